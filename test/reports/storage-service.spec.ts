/** A service that stores in a bucket: downloads, removals, and a storage that is away. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type S3Server, startS3Server } from '../support/s3-server.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

let server: S3Server;
let daybook: Daybook;
beforeAll(async () => {
  server = await startS3Server();
  daybook = await startDaybook({
    env: { ...UNLIMITED, ...server.settings, S3_PREFIX: 'here', SWEEP_INTERVAL: '200ms' },
  });
});

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');
const PAYLOAD = { num_transactions: 40, as_of: '2026-03-01' };

async function syncReport(): Promise<Reply['json']> {
  const { status, json } = await post(daybook, '/api/sync', PAYLOAD);
  expect(status).toBe(200);
  return json;
}

/** Sends headers that fetch keeps for itself. */
async function getRaw(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const [response] = (await once(request(daybook.url + path, { headers }).end(), 'response')) as [IncomingMessage];
  response.resume();
  return response;
}

/** Accepts requests of one lane together. */
async function submit(lane: string, count: number): Promise<string[]> {
  const requests = Array.from({ length: count }, () => ({ payload: PAYLOAD, lane, callback_url: null }));
  const { status, json } = await post(daybook, '/api/batch', { requests });
  expect(status).toBe(202);
  return json.requests.map(({ request_id }: { request_id: string }) => request_id);
}

async function detail(id: string): Promise<Reply['json']> {
  return (await get(daybook, `/api/requests/${id}`)).json;
}

async function completed(ids: string[]): Promise<Reply['json'][]> {
  await eventually(async () => (await detail(ids.at(-1)!)).status === 'COMPLETED');
  return Promise.all(ids.map(detail));
}

/** The keys of all results, and the objects that have them. */
async function stored(): Promise<{ keys: string[]; objects: string[] }> {
  const rows = await sql<{ file_key: string }>(daybook, 'SELECT file_key FROM requests WHERE file_key IS NOT NULL');
  return { keys: rows.map(({ file_key }) => file_key), objects: (await server.objects()).toSorted() };
}

describe('a result with an object of its own', () => {
  it('is downloaded from a URL that expires, with its name and type', async () => {
    const { download_url, file_name, sha256: hash } = await syncReport();
    const redirect = await get(daybook, download_url);
    expect([redirect.status, redirect.text]).toEqual([302, '']);
    expect(Object.fromEntries(redirect.headers)).toMatchObject({ 'cache-control': 'no-store', etag: `"${hash}"` });
    const url = new URL(redirect.headers.get('location')!);
    expect([url.origin, url.searchParams.get('X-Amz-Expires')]).toEqual([server.url, '300']);
    const served = await fetch(url);
    expect(Object.fromEntries(served.headers)).toMatchObject({
      'content-disposition': `attachment; filename=${file_name}`,
      'content-type': 'text/csv; charset=utf-8',
      'cache-control': 'private, no-cache',
    });
    expect(sha256(await served.text())).toBe(hash);
    const followed = await fetch(daybook.url + download_url, { headers: { Range: 'bytes=10-19' } });
    expect([followed.status, (await followed.text()).length]).toEqual([206, 10]);
  });

  it('is described by HEAD, and judged by preconditions and ranges before the redirect', async () => {
    const { download_url, file_size_bytes: size, sha256: hash } = await syncReport();
    const head = await send(daybook, 'HEAD', download_url);
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
      200,
      String(size),
      `"${hash}"`,
    ]);
    expect(head.headers.get('content-disposition')).toMatch(/^attachment; filename=/);
    expect((await get(daybook, download_url, { 'If-None-Match': `"${hash}"` })).status).toBe(304);
    expect((await get(daybook, download_url, { 'If-Match': `"${hash}"` })).status).toBe(302);
    expectProblem(await get(daybook, download_url, { 'If-Match': '"other"' }), 412);
    expectProblem(await get(daybook, download_url, { Range: `bytes=${size}-` }), 416);
  });

  it('is streamed to the script of a page, which could not read the answer of another host', async () => {
    const { download_url, sha256: hash } = await syncReport();
    const streamed = await getRaw(download_url, { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' });
    expect([streamed.statusCode, streamed.headers.etag]).toEqual([200, `"${hash}"`]);
    expect(
      (await getRaw(download_url, { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' })).statusCode,
    ).toBe(302);
  });

  it('is 410 when its object is missing', async () => {
    const { download_url, file_id } = await syncReport();
    await server.removeObject(`here/${file_id}.csv`);
    expectProblem(await get(daybook, download_url), 410);
  });
});

describe('a result in a pack', () => {
  it('is streamed by the service, with validators and ranges', async () => {
    const [first, second] = await completed(await submit('packed', 20));
    const { download_url, file_size_bytes: size, sha256: hash } = second.result_payload;
    expect((await stored()).keys.filter((key) => key.includes('+')).length).toBeGreaterThan(1);
    const file = await get(daybook, download_url);
    expect([file.status, sha256(file.text), file.headers.get('etag')]).toEqual([200, hash, `"${hash}"`]);
    expect(sha256((await get(daybook, first.result_payload.download_url)).text)).toBe(first.result_payload.sha256);
    const part = await get(daybook, download_url, { Range: 'bytes=-10' });
    expect([part.status, part.text]).toEqual([206, file.text.slice(-10)]);
    expect(part.headers.get('content-range')).toBe(`bytes ${size - 10}-${size - 1}/${size}`);
    expect((await get(daybook, download_url, { 'If-None-Match': `"${hash}"` })).status).toBe(304);
    expect((await send(daybook, 'HEAD', download_url)).headers.get('content-length')).toBe(String(size));
  });
});

describe('the bucket', () => {
  it('has what requests refer to, and the disk has nothing', async () => {
    const { keys, objects } = await stored();
    // One was removed by a test.
    const named = new Set(keys.map((key) => `here/${key.split('+')[0]}`));
    expect(objects.filter((key) => !key.includes('.health'))).toEqual(
      [...named].filter((key) => objects.includes(key)).toSorted(),
    );
    for (const folder of ['results', 'spool'])
      expect(await readdir(join(daybook.dataDir, 'files', folder))).toEqual([]);
  });

  it('loses an object with its request', async () => {
    const [one] = await completed(await submit('removed', 12));
    const own = await syncReport();
    const before = (await stored()).objects;
    for (const id of [own.request_id, one.id])
      expect((await send(daybook, 'DELETE', `/api/requests/${id}`)).status).toBe(200);
    const { objects } = await stored();
    expect(before.filter((key) => !objects.includes(key))).toEqual([`here/${own.file_id}.csv`]);
    expect((await send(daybook, 'DELETE', '/api/requests')).status).toBe(200);
    expect((await stored()).objects.filter((key) => !key.includes('.health'))).toEqual([]);
  });

  it('is a dependency of the service', async () => {
    expect((await get(daybook, '/api/health')).json.dependencies.storage).toMatchObject({ status: 'up' });
  });
});

describe('while the bucket is away', () => {
  it('requests are accepted and wait, nothing is lost, and their lanes go on in order when it is back', async () => {
    const [before] = await completed(await submit('away', 1));
    await server.stop();
    const ids = await submit('away', 15);
    await eventually(() => daybook.output().includes('cannot be stored in S3'));
    await eventually(async () => (await get(daybook, '/api/health')).json.dependencies.storage.status === 'down');
    expectProblem(await post(daybook, '/api/sync', PAYLOAD), 503);
    expectProblem(await get(daybook, before.result_payload.download_url), 503);
    expectProblem(await send(daybook, 'DELETE', `/api/requests/${before.id}`), 503);
    const { status, started_at } = await detail(ids[0]!);
    expect([status === 'COMPLETED', started_at === undefined]).toEqual([false, false]);
    await server.start();
    const after = await completed(ids);
    expect(after.map(({ status: state }) => state)).toEqual(ids.map(() => 'COMPLETED'));
    const completions = after.map(({ completed_at }) => completed_at as string);
    expect(completions.toSorted()).toEqual(completions);
    const { download_url, sha256: hash } = after.at(-1).result_payload;
    expect(sha256(await (await fetch(daybook.url + download_url)).text())).toBe(hash);
    expect(await readdir(join(daybook.dataDir, 'files/spool'))).toEqual([]);
    expect((await send(daybook, 'DELETE', `/api/requests/${before.id}`)).status).toBe(200);
  });
});
