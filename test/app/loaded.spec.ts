/** Packages that only Redis needs are not loaded at startup without Redis. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const BUILT = new URL('../../dist/src/', import.meta.url).href;
const PACKAGES = ['bull', 'ioredis', '@nestjs/bull', 'typeorm'];
const LIST = `
  import { createRequire } from 'node:module';
  for (const file of ['start.js', 'api.module.js', 'worker.module.js']) await import('${BUILT}app/' + file);
  const files = Object.keys(createRequire('${BUILT}').cache);
  console.log(JSON.stringify(${JSON.stringify(PACKAGES)}.filter((name) => files.some((file) => file.includes('/node_modules/' + name + '/')))));
  process.exit();`;

it('Bull and its Redis client are loaded only with REDIS_URL', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', LIST]);
  // typeorm is always loaded, so it proves that the list is complete.
  expect(JSON.parse(stdout)).toEqual(['typeorm']);
});
