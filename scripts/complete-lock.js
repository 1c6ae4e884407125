// Completes package-lock.json. Run it after `npm install NAME`.
//
// After npm has installed the packages of this platform, it omits those of other platforms from the lock
// (npm/cli#4828). `npm ci` then fails there. This script lets npm resolve the missing packages, and every entry without
// a hash, in an empty folder. A package that another one bundles has no hash of its own: it is in that one's archive. The
// lock contains no registry URL, so it works with every registry.
// Usage: node scripts/complete-lock.js
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npmCommand } from './npm.js';

const FILE = 'package-lock.json';
const INSTALL = ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const write = (path, lock) => writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);

/** Returns the lock with other packages. */
const withPackages = (lock, entries) => ({ ...lock, packages: Object.fromEntries(entries) });

const hasHash = (entry) => entry?.integrity !== undefined || entry?.inBundle === true;

function completed(lock) {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-lock-'));
  try {
    copyFileSync('package.json', join(folder, 'package.json'));
    const hashed = Object.entries(lock.packages).filter(([path, entry]) => path === '' || hasHash(entry));
    write(join(folder, FILE), withPackages(lock, hashed));
    const { status } = spawnSync(...npmCommand(...INSTALL), { cwd: folder, stdio: 'inherit' });
    if (status !== 0) throw new Error('npm could not resolve the packages, see above');
    return read(join(folder, FILE));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const before = read(FILE);
const after = completed(before);
const entries = Object.entries(after.packages).map(([path, entry]) => {
  const { resolved, ...kept } = entry;
  return [path, resolved === undefined ? entry : kept];
});
const lacking = Object.keys(before.packages).filter((path) => path !== '' && !hasHash(after.packages[path]));
write(FILE, withPackages(after, entries));
console.log(`${FILE} has ${entries.length - 1} packages`);
if (lacking.length > 0) {
  console.error(`The registry does not serve: ${lacking.join(', ')}`);
  process.exitCode = 1;
}
