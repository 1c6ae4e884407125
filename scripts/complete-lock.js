// Run after `npm install NAME` against a registry mirror that does not hold every platform's packages.
//
// Packages with native parts name one optional package a platform. npm leaves out of the lock those that the mirror
// could not serve, and then `npm ci` refuses the lock. This adds them back, as npm would have written them, but for the
// hash, which only the registry knows. Usage: node scripts/complete-lock.js
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = 'package-lock.json';
const OS = {
  darwin: 'darwin',
  win32: 'win32',
  windows: 'win32',
  linux: 'linux',
  android: 'android',
  freebsd: 'freebsd',
  openharmony: 'openharmony',
};
const CPUS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64', 'wasm32'];

/** Whether a package is in the lock where node would find it from `path`. */
function isLocked(packages, path, name) {
  for (let at = path; ; at = at.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    if (packages[`${at ? `${at}/` : ''}node_modules/${name}`]) return true;
    if (at === '') return false;
  }
}

/** The entry of a platform package; its platform stands in its name. Null if it names none. */
function entryOf(name, version, isDev) {
  const words = name.toLowerCase().split(/[^a-z0-9]+/);
  const os = words.map((word) => OS[word]).find(Boolean);
  if (!os || !/^\d/.test(version)) return null;
  const cpu = words.find((word) => CPUS.includes(word));
  const isMusl = words.some((word) => word.startsWith('musl'));
  const libc = isMusl ? 'musl' : os === 'linux' && words.includes('gnu') ? 'glibc' : undefined;
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(isDev && { dev: true }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
let added = 0;
for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  if (path === '') continue;
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (isLocked(lock.packages, path, name)) continue;
    const entry = entryOf(name, version, dev);
    if (!entry) {
      console.error(`To be added by hand: ${name} ${version} (wanted by ${path})`);
      process.exitCode = 1;
      continue;
    }
    lock.packages[`node_modules/${name}`] = entry;
    added++;
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
writeFileSync(FILE, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
console.log(`${added} entries added to ${FILE}`);
