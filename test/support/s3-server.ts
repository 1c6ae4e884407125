import { rm } from 'node:fs/promises';
import { afterAll } from '@jest/globals';
import { temporaryFolder } from './folder.js';
import { type S3Server, runS3Server } from './run-s3-server.js';

export type { S3Server } from './run-s3-server.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanups) await cleanUp();
});

/** Starts a server with an empty bucket. It ends after the test file. */
export async function startS3Server(): Promise<S3Server> {
  const directory = await temporaryFolder();
  const server = await runS3Server(directory);
  cleanups.push(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return server;
}
