/** `daybook storage move` beside a service: every file is readable at every step. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get, post, send } from '../support/client.js';
import { createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';
import { UNLIMITED } from '../support/submit.js';

const CLI = fileURLToPath(new URL('../../dist/src/cli/daybook.main.js', import.meta.url));

let server: S3Server;
let files: string;
beforeAll(async () => {
  server = await startS3Server();
  files = await temporaryFolder();
});

describe('daybook storage move', () => {
  const PAYLOAD = { num_transactions: 20, as_of: '2026-03-01' };

  /** Runs the command, and returns its exit code and its output. */
  async function command(daybook: Daybook, settings: Record<string, string>, ...args: string[]) {
    const env = { PATH: process.env.PATH, DATA_DIR: daybook.dataDir, ...settings };
    const child = spawn(process.execPath, [CLI, 'storage', ...args], { env, cwd: files });
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { code: code as number, out, err };
  }

  async function generate(daybook: Daybook): Promise<string[]> {
    const { json } = await post(daybook, '/api/sync', PAYLOAD);
    const requests = Array.from({ length: 10 }, () => ({ payload: PAYLOAD, callback_url: null }));
    const batch = await post(daybook, '/api/batch', { requests });
    const ids = batch.json.requests.map(({ request_id }: { request_id: string }) => request_id) as string[];
    const detail = async (id: string) => (await get(daybook, `/api/requests/${id}`)).json;
    await eventually(async () => (await detail(ids.at(-1)!)).status === 'COMPLETED');
    const asyncUrls = await Promise.all(
      ids.map(async (id) => (await detail(id)).result_payload.download_url as string),
    );
    return [json.download_url, ...asyncUrls];
  }

  /** Reads files, and returns the statuses of the first answers. */
  async function read(daybook: Daybook, urls: string[]): Promise<number[]> {
    return Promise.all(
      urls.map(async (url) => {
        const followed = await fetch(daybook.url + url);
        expect((await followed.text()).split('\n').length).toBeGreaterThan(20);
        return (await get(daybook, url)).status;
      }),
    );
  }

  it('moves the files of a service from the disk to a bucket, and each is readable at every step', async () => {
    const database = await createDatabase();
    const shared = { ...UNLIMITED, ...server.settings, DATABASE_URL: database.url, DATA_DIR: join(files, 'data') };
    const [toDisk, toBucket] = [
      { ...shared, STORAGE: 'disk' },
      { ...shared, STORAGE: 's3' },
    ];
    const before = await startDaybook({ env: toDisk });
    const old = await generate(before);
    const first = await command(before, toDisk, 'move');
    expect(first.out).toMatch(/^\d+ files on the disk, \d+ copied \(\d+\.\d MB\), 0 removed from the disk\n$/);
    expect(first.err).toContain('100%');
    expect(first.code).toBe(0);
    const late = await generate(before);
    expect(new Set(await read(before, [...old, ...late]))).toEqual(new Set([200]));
    expect(await command(before, toDisk, 'move', '--remove')).toMatchObject({ code: 1, out: '' });
    await before.stop();

    const after = await startDaybook({ env: toBucket });
    const fresh = await generate(after);
    expect(new Set(await read(after, [...old, ...late]))).toEqual(new Set([200]));
    expect((await read(after, fresh))[0]).toBe(302);
    const last = await command(after, toBucket, 'move', '--remove');
    expect([last.code, last.out]).toEqual([0, expect.stringMatching(/ [1-9]\d* removed from the disk\n$/)]);
    expect(readdirSync(join(after.dataDir, 'files/results'))).toEqual([]);
    const statuses = await read(after, [...old, ...late, ...fresh]);
    expect([statuses[0], new Set(statuses)]).toEqual([302, new Set([200, 302])]);
    expect((await send(after, 'DELETE', '/api/requests')).status).toBe(200);
    expect(await server.objects()).toEqual([]);
    await after.stop();
    await database.drop();
  });

  it('says what is wrong', async () => {
    const daybook = { dataDir: files } as Daybook;
    expect(await command(daybook, {}, 'move')).toMatchObject({
      code: 1,
      err: 'storage: S3_BUCKET is not set: there is no bucket to move files to\n',
    });
    expect(await command(daybook, server.settings, 'copy')).toMatchObject({ code: 2 });
    const missing = await command(daybook, { ...server.settings, S3_BUCKET: 'another-bucket' }, 'move');
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('there is no such bucket') });
    const away = await command(daybook, { ...server.settings, S3_ENDPOINT: 'http://127.0.0.1:1' }, 'move');
    expect(away).toMatchObject({ code: 1, err: expect.stringContaining('ECONNREFUSED') });
  });
});
