// `npm run dev` and `npm run dev:worker`: run Daybook from its sources and restart it after each change that compiles.
// With Redis, `npm run dev` runs the API and `npm run dev:worker` the worker. Without Redis, `npm run dev` runs both.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = 'node_modules/typescript/bin/tsc';
const COMPILED = /Found (\d+) errors?\. Watching for file changes/;

process.chdir(ROOT);
const isWorker = process.argv[2] === 'worker';
// Separate folders, so that neither process reads the unfinished output of the other compiler.
const out = isWorker ? 'dist-worker' : 'dist';
const settings = { ...(existsSync('.env') && parseEnv(readFileSync('.env', 'utf8'))), ...process.env };
if (isWorker && !settings.REDIS_URL) {
  console.error('daybook: a separate worker needs REDIS_URL; without Redis, npm run dev also generates the reports');
  process.exit(2);
}
const role = isWorker ? 'worker' : (settings.ROLE ?? (settings.REDIS_URL ? 'api' : 'all'));

const prepared = spawnSync(process.execPath, ['scripts/prepare.js', '--build'], { stdio: 'inherit' });
if (prepared.status !== 0) process.exit(prepared.status ?? 1);
if (isWorker) {
  rmSync(out, { recursive: true, force: true });
  // Includes files that are not compiled, such as templates.
  cpSync('dist', out, { recursive: true });
}

let isStopping = false;
/** The running service; null before the first successful compilation. */
let service = null;

function start() {
  const entry = isWorker ? 'worker' : 'main';
  service = spawn(process.execPath, [`${out}/src/${entry}.js`], {
    stdio: 'inherit',
    env: { ...process.env, ROLE: role },
  });
  service.once('exit', (code) => {
    if (!isStopping && code) console.error(`daybook: exited with ${code}; the next change restarts it`);
  });
}

async function stop() {
  if (!service || service.exitCode !== null || service.signalCode !== null) return;
  service.kill('SIGTERM');
  await once(service, 'exit');
}

/** Serializes restarts, so that two services never run at once. */
let restarts = Promise.resolve();
const restart = () => {
  restarts = restarts.then(async () => {
    await stop();
    if (!isStopping) start();
  });
};

const compiler = spawn(
  process.execPath,
  [TSC, '-p', 'tsconfig.build.json', '--outDir', out, '--watch', '--preserveWatchOutput', '--pretty', 'false'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
createInterface({ input: compiler.stdout }).on('line', (line) => {
  const [, errors] = COMPILED.exec(line) ?? [];
  if (errors === '0') restart();
  else if (/\berror TS|Found \d/.test(line)) console.error(line);
});

async function end() {
  if (isStopping) return;
  isStopping = true;
  compiler.kill();
  await restarts;
  await stop();
  process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
