// Prepares a checkout: installs the packages of package-lock.json and, with --build, compiles changed sources. It runs
// before `npm start` and `npm test`, so both work right after a clone or a pull. It has no dependencies, because none
// may be installed, and prints nothing if nothing has changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmCommand } from './npm.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];
/** The inputs of dist. The lock file is one of them, because it determines the compiler. */
const SOURCES = ['src', 'migrations', 'ormconfig.ts', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
const LOCK_TIMEOUT_MS = 600_000;
const NEST = 'node_modules/@nestjs/cli/bin/nest.js';
const VITE = 'node_modules/vite/bin/vite.js';

/**
 * Returns the time of the last change of a file or of anything in a folder; 0 if missing. Deleting a file changes its
 * folder.
 */
function changedAt(path) {
  const stats = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (!stats) return 0;
  if (!stats.isDirectory()) return /\.spec\.tsx?$/.test(path) ? 0 : stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(join(ROOT, path)).map((name) => changedAt(`${path}/${name}`)));
}

// npm writes its copy of the lock file last, so its time is that of the whole installation.
const mustInstall = () => changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json');

/** The inputs of dist/web, the dashboard. */
const PAGES = ['web/src', 'web/public', 'web/index.html', 'web/vite.config.ts'];

const newest = (paths) => Math.max(...[...paths, 'package-lock.json'].map(changedAt));
const mustBuildService = () =>
  Math.min(changedAt('dist/src/main.js'), changedAt('dist/ormconfig.js')) < newest(SOURCES);
const mustBuildPages = () => changedAt('dist/web/index.html') < newest(PAGES);
const mustBuild = () => mustBuildService() || mustBuildPages();

function fail(message) {
  console.error(`daybook: ${message}`);
  process.exit(1);
}

function run(title, command, args) {
  console.log(`daybook: ${title} …`);
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (error) fail(`${title} failed: ${error.message}`);
  if (status !== 0) fail(`${title} failed, see above`);
}

function install() {
  // NODE_ENV=production would omit the compiler, which is a dev dependency.
  const command = npmCommand('ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error');
  run('installing packages', ...command);
}

function prepare(withBuild) {
  const build = withBuild && mustBuild();
  const isMissing = [NEST, VITE].some((path) => !existsSync(join(ROOT, path)));
  if (mustInstall() || (build && isMissing)) install();
  if (!build) return;
  // The compiler of the service deletes dist first, and the dashboard with it.
  if (mustBuildService()) run('building', process.execPath, [NEST, 'build']);
  run('building the dashboard', process.execPath, [VITE, 'build', 'web', '--logLevel', 'warn']);
}

/**
 * Returns the start time of a process in the format of its system; empty if it does not run. After a crash another
 * process may reuse the id, so the id alone does not identify a process.
 */
function startOf(pid) {
  try {
    // The second field, the name, may contain any character. It ends at the last parenthesis.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ')[19];
  } catch {
    return (spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '').trim();
  }
}

/** Whether the process that created the lock still runs. */
function isHeld(lock) {
  try {
    const [pid, start = ''] = readFileSync(join(lock, 'pid'), 'utf8').split('\n');
    process.kill(Number(pid), 0);
    return start === '' || startOf(pid) === start;
  } catch (error) {
    // EPERM: the process belongs to another user. ENOENT: the lock is being created, unless it is old.
    const madeAt = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return error.code === 'EPERM' || (error.code === 'ENOENT' && Date.now() - madeAt < 5_000);
  }
}

/** Runs one process at a time, because `npm ci` deletes node_modules first. */
function alone(work) {
  const lock = join(tmpdir(), `daybook-prepare-${createHash('sha256').update(ROOT).digest('hex').slice(0, 12)}`);
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`cannot create ${lock}: ${error.message}`);
    }
    if (!isHeld(lock)) rmSync(lock, { recursive: true, force: true });
    else if (Date.now() > deadline)
      fail(`timed out waiting for another process that prepares this folder; delete ${lock} if there is none`);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  process.on('exit', () => rmSync(lock, { recursive: true, force: true }));
  writeFileSync(join(lock, 'pid'), `${process.pid}\n${startOf(process.pid)}`);
  work();
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  fail(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}`);
}
const withBuild = process.argv.includes('--build');
if (mustInstall() || (withBuild && mustBuild())) alone(() => prepare(withBuild));
