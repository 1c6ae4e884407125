/** The promise: what is used with Redis alone costs nobody else anything at the start. */
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

it('Bull and its Redis client are not loaded before there is a Redis to use them with', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', LIST]);
  // What is always loaded shows that the list would show them.
  expect(JSON.parse(stdout)).toEqual(['typeorm']);
});
