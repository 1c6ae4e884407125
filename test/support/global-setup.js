// Plain JavaScript, because Jest compiles a TypeScript setup to CommonJS, where an import of './x.js' does not find
// x.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const built = new URL('../../dist/src/main.js', import.meta.url);

/** Starts the services that all tests share (see services.js) and passes their addresses to the tests. */
export default async function globalSetup() {
  if (!existsSync(built)) throw new Error('The tests run the built service: use npm test, which builds it');
  const services = spawn(process.execPath, [fileURLToPath(new URL('./services.js', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // Ctrl-C must not end the services before the tests.
  });
  globalThis.daybookServices = services;
  const [line] = await Promise.race([once(createInterface(services.stdout), 'line'), once(services, 'exit')]);
  if (typeof line !== 'string') process.exit(1); // The services have printed the error. A stack adds nothing.
  const { folder, databaseUrl, templateDatabase, pooledUrl, redisUrl } = JSON.parse(line);
  process.env.TEST_FOLDER = folder;
  process.env.TEST_DATABASE_URL = databaseUrl;
  process.env.TEST_TEMPLATE_DATABASE = templateDatabase;
  if (pooledUrl) process.env.TEST_POOLED_URL = pooledUrl;
  process.env.TEST_REDIS_URL = redisUrl;
}
