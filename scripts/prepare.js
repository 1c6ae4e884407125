// Makes a checkout ready to run: installs what package-lock.json names and, with --build, compiles what has changed.
// Runs before `npm start` and `npm test`, so that both work right after a clone or a pull. No dependencies: there may
// be none yet. Says nothing when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmCommand } from './npm.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];
/** What dist is made from. The lock file too: a new compiler may compile differently. */
const SOURCES = ['src', 'migrations', 'ormconfig.ts', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
const LOCK_TIMEOUT_MS = 600_000;
const NEST = 'node_modules/@nestjs/cli/bin/nest.js';

/** When a file, or anything in a folder, was last changed; a folder itself changes when a file goes. 0 if missing. */
function changedAt(path) {
  const stats = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (!stats) return 0;
  if (!stats.isDirectory()) return path.endsWith('.spec.ts') ? 0 : stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(join(ROOT, path)).map((name) => changedAt(`${path}/${name}`)));
}

// npm writes its own copy of the lock file last, so it dates the whole of node_modules.
const mustInstall = () => changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json');

const mustBuild = () =>
  Math.min(changedAt('dist/src/main.js'), changedAt('dist/ormconfig.js')) <
  Math.max(...[...SOURCES, 'package-lock.json'].map(changedAt));

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
  // The compiler is a dev dependency, and NODE_ENV=production would leave it out.
  const command = npmCommand('ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error');
  run('installing packages', ...command);
}

function prepare(withBuild) {
  const build = withBuild && mustBuild();
  if (mustInstall() || (build && !existsSync(join(ROOT, NEST)))) install();
  if (build) run('building', process.execPath, [NEST, 'build']);
}

/**
 * When a process started, as its system writes it; empty if there is none. After a crash its number may be another process's,
 * so the number alone does not name it.
 */
function startOf(pid) {
  try {
    // The second field, the name, may contain anything but ends at the last parenthesis.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ')[19];
  } catch {
    return (spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '').trim();
  }
}

/** Whether the process that made the lock is still there. */
function isHeld(lock) {
  try {
    const [pid, start = ''] = readFileSync(join(lock, 'pid'), 'utf8').split('\n');
    process.kill(Number(pid), 0);
    return start === '' || startOf(pid) === start;
  } catch (error) {
    // EPERM: it belongs to another user. ENOENT: it is just being made, unless that was a while ago.
    const madeAt = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return error.code === 'EPERM' || (error.code === 'ENOENT' && Date.now() - madeAt < 5_000);
  }
}

/** Lets one process at a time work: `npm ci` begins by deleting node_modules, under whoever else is at it. */
function alone(work) {
  const lock = join(tmpdir(), `daybook-prepare-${createHash('sha256').update(ROOT).digest('hex').slice(0, 12)}`);
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`cannot make ${lock}: ${error.message}`);
    }
    if (!isHeld(lock)) rmSync(lock, { recursive: true, force: true });
    else if (Date.now() > deadline) fail(`another process is preparing this folder for too long; delete ${lock}`);
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
