/** `npm start` ends its child processes, and a test run touches nothing outside its own folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { freePort } from '../support/free-port.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVICES = fileURLToPath(new URL('../support/services.js', import.meta.url));

it('SIGTERM to the process of npm start ends the service too', async () => {
  const [{ url }, port, home] = await Promise.all([createDatabase(), freePort(), temporaryFolder()]);
  const env = { PATH: process.env.PATH, HOME: home, PORT: String(port), DATA_DIR: home, DATABASE_URL: url };
  // Only npm gets the signal, as from systemd or a container. A shell or a process group would pass it on.
  const npm = spawn('npm', ['start'], { cwd: ROOT, env, stdio: 'ignore' });
  const healthy = () =>
    fetch(`http://127.0.0.1:${port}/healthz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  await eventually(healthy, { timeoutMs: 45_000 });
  npm.kill('SIGTERM');
  await once(npm, 'exit');
  await eventually(async () => !(await healthy()));
});

it('the services of a test run end only the servers in their own folder and do not follow links', async () => {
  const outside = await temporaryFolder();
  // Named like a Postgres. It represents one that runs in this checkout, to which npx creates a link.
  await copyFile('/bin/sleep', join(outside, 'postgres'));
  await chmod(join(outside, 'postgres'), 0o755);
  const bystander = spawn(join(outside, 'postgres'), ['60'], { stdio: 'ignore' });
  await writeFile(join(outside, 'postmaster.pid'), `${bystander.pid}\n`);
  const services = spawn(process.execPath, [SERVICES], { stdio: ['pipe', 'pipe', 'ignore'], env: process.env });
  const [line] = (await once(services.stdout, 'data')) as [Buffer];
  const { folder } = JSON.parse(line.toString()) as { folder: string };
  await mkdir(join(folder, 'node_modules'));
  await symlink(outside, join(folder, 'node_modules', 'daybook'));
  services.stdin.end();
  await once(services, 'exit');
  expect(await readdir(folder).catch(() => 'gone')).toBe('gone');
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
  bystander.kill('SIGKILL');
});
