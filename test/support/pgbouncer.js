import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

const START_TIMEOUT_MS = 10_000;

/**
 * Settings for any user and every database, with one server connection per transaction. Idle ones end soon: each test file
 * has a database of its own, and all together would take more connections than the server has.
 */
function settings(port, { hostname, port: serverPort, username, password }) {
  const [user, secret] = [username, password].map(decodeURIComponent);
  return `[databases]
* = host=${hostname} port=${serverPort || 5432} user=${user} password=${secret}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
server_login_retry = 1
query_wait_timeout = 2
server_idle_timeout = 15
`;
}

/**
 * Starts PgBouncer in transaction pooling mode in front of a server. Each transaction may get another connection, so
 * code that depends on session state (named statements, locks, settings) fails.
 * @returns The URL of the server through PgBouncer.
 */
export async function startPgBouncer(databaseUrl, folder) {
  const url = new URL(databaseUrl);
  const port = await freePort();
  const file = join(folder, `pgbouncer-${port}.ini`);
  await writeFile(file, settings(port, url), { mode: 0o600 });
  // PgBouncer refuses to run as root. It reads its settings before it changes the user.
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', [...account, file], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child, 'spawn').catch(() => {
    throw new Error('pgbouncer is missing. Install it (apt-get install pgbouncer), or unset TEST_PGBOUNCER');
  });
  const exited = once(child, 'exit');

  let output = '';
  const isReady = new Promise((resolve) => {
    child.stderr.on('data', (chunk) => {
      output = (output + chunk).slice(-4_000);
      if (output.includes('process up')) resolve(true);
    });
  });
  const failed = Promise.race([exited, sleep(START_TIMEOUT_MS, undefined, { ref: false })]).then(() => false);
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  if (!(await Promise.race([isReady, failed]))) {
    await stop();
    throw new Error(`pgbouncer did not start: ${output.trim().split('\n').slice(-3).join(' | ')}`);
  }
  url.host = `127.0.0.1:${port}`;
  return { url: url.href, stop };
}
