import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { get, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type INestApplication, StandardSchemaValidationPipe } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ResultFile, RequestsService } from '../requests/requests.service.js';
import { RetentionService } from '../requests/removal/retention.service.js';
import { DiskStorage } from './storage/disk.storage.js';
import type { ByteRange } from './storage/object-storage.js';
import { objectKey } from './storage/packs/result-key.js';
import { ResultStore } from './storage/packs/result-store.js';
import { Spool } from './storage/packs/spool.js';
import { ReportDownload } from './report-download.js';
import { ReportPool } from './generation/report-pool.js';
import { ReportsController } from './reports.controller.js';
import { NoEntries } from '../../test/support/report-context.js';
import { PostedEntries } from './posted-entries.js';
import { REPORT_POOLS, ReportsService } from './reports.service.js';

/** The real store, which remembers the streams that it gave away. */
class WatchedStore extends ResultStore {
  readonly opened: Readable[] = [];

  override open(key: string, range?: ByteRange): Readable {
    const stream = super.open(key, range);
    this.opened.push(stream);
    return stream;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'daybook-download-'));
const spool = new Spool(join(folder, 'spool'));
const files = new WatchedStore(new DiskStorage(join(folder, 'results')), spool);
/** What the request log knows, by request id. */
const log = new Map<string, ResultFile>();
let app: INestApplication;
let port: number;

beforeAll(async () => {
  const pool = new ReportPool({ threads: 1, timeoutMs: 60_000, maxQueue: 1 });
  const module = await Test.createTestingModule({
    controllers: [ReportsController],
    providers: [
      ReportsService,
      ReportDownload,
      { provide: Spool, useValue: spool },
      { provide: ResultStore, useValue: files },
      { provide: PostedEntries, useClass: NoEntries },
      { provide: REPORT_POOLS, useValue: { sync: pool, async: pool } },
      { provide: RequestsService, useValue: { resultFile: (id: string) => Promise.resolve(log.get(id) ?? null) } },
      { provide: RetentionService, useValue: { isPast: () => false } },
    ],
  }).compile();
  app = module.createNestApplication({ logger: false });
  app.useGlobalPipes(new StandardSchemaValidationPipe());
  await app.listen(0, '127.0.0.1');
  ({ port } = app.getHttpServer().address() as { port: number });
});
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

async function report(content: string, name = 'Q1'): Promise<ResultFile> {
  const requestId = randomUUID();
  const key = objectKey(randomUUID(), 'csv');
  writeFileSync(spool.path(key), content);
  await files.commit([key]);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const file = { fileName: `${name}_${requestId}.csv`, fileKey: key, sizeBytes: content.length, sha256 };
  log.set(requestId, file);
  return file;
}

const to = (name: string, options: RequestOptions = {}): RequestOptions => ({
  port,
  host: '127.0.0.1',
  path: `/api/reports/${name}`,
  agent: false,
  ...options,
});

async function fetched(name: string, headers: Record<string, string> = {}, options: RequestOptions = {}) {
  const [response] = (await once(request(to(name, { headers, ...options })).end(), 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

describe('GET /api/reports/:file_name', () => {
  it('sends the file as an attachment with its digest as ETag', async () => {
    const file = await report('0123456789');
    const { status, headers, body } = await fetched(file.fileName);
    expect([status, body]).toEqual([200, '0123456789']);
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      // RFC 6266: a name that is a token needs no quotes.
      'content-disposition': `attachment; filename=${file.fileName}`,
      'content-length': '10',
      'accept-ranges': 'bytes',
      etag: `"${file.sha256}"`,
    });
  });

  it('answers HEAD like GET, without the body and without opening the file', async () => {
    const file = await report('0123456789');
    const before = files.opened.length;
    const { status, headers, body } = await fetched(file.fileName, { range: 'bytes=0-1' }, { method: 'HEAD' });
    expect([status, body, headers['content-length'], headers.etag]).toEqual([200, '', '10', `"${file.sha256}"`]);
    expect(files.opened).toHaveLength(before);
  });

  it.each(['same', 'weak', 'any', 'list'])('answers 304 to a caller that has the file (%s)', async (kind) => {
    const file = await report('0123456789');
    const etag = `"${file.sha256}"`;
    const sent = { same: etag, weak: `W/${etag}`, any: '*', list: `"other", ${etag}` }[kind]!;
    const { status, headers, body } = await fetched(file.fileName, { 'if-none-match': sent });
    expect([status, body, headers.etag]).toEqual([304, '', etag]);
    expect(headers).not.toHaveProperty('content-type');
  });

  it('sends the file again to a caller that has another one', async () => {
    const file = await report('0123456789');
    expect((await fetched(file.fileName, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
    ['bytes=-100', '0123456789', 'bytes 0-9/10'],
  ])('sends the range %s', async (range, part, contentRange) => {
    const file = await report('0123456789');
    const { status, headers, body } = await fetched(file.fileName, { range });
    expect([status, body, headers['content-range']]).toEqual([206, part, contentRange]);
    expect(headers['content-length']).toBe(String(part.length));
    expect(headers.etag).toBe(`"${file.sha256}"`);
  });

  it.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('refuses the range %s with 416', async (range) => {
    const { status, headers } = await fetched((await report('0123456789')).fileName, { range });
    expect([status, headers['content-range']]).toEqual([416, 'bytes */10']);
    expect(headers['content-disposition']).toBeUndefined();
  });

  it.each(['bytes=0-1,4-5', 'lines=0-1', 'bytes=x', 'nonsense', 'bytes=5-2'])('ignores the range %s', async (range) => {
    const { status, body } = await fetched((await report('0123456789')).fileName, { range });
    expect([status, body]).toEqual([200, '0123456789']);
  });

  it('sends a range under If-Range only of the file that the caller began', async () => {
    const file = await report('0123456789');
    const part = (ifRange: string) => fetched(file.fileName, { range: 'bytes=0-3', 'if-range': ifRange });
    expect((await part(`"${file.sha256}"`)).status).toBe(206);
    // RFC 9110, 13.1.5: the comparison is strong.
    for (const other of [`W/"${file.sha256}"`, '"other"', 'Sat, 22 Nov 2025 00:00:00 GMT']) {
      expect((await part(other)).status).toBe(200);
    }
  });

  it.each([
    'nothing',
    'Q1_00000000-0000-0000-0000-000000000000.csv',
    '..%2F..%2Fetc%2Fpasswd',
    '%2e%2e%2f%2e%2e%2fpackage.json',
    '..%5C..%5Cpackage.json',
    '%00',
    encodeURIComponent("' OR 1=1 --"),
  ])('does not know %s', async (name) => {
    const { status, body } = await fetched(name);
    expect(status).toBe(404);
    expect(body).toContain('Report file not found');
  });

  it('does not know a file under a name that is almost its own', async () => {
    const { fileName, fileKey: key } = await report('0123456789');
    const others = [
      `x${fileName}`,
      fileName.replace('Q1', 'q1'),
      fileName.replace('.csv', '.txt'),
      `..%2F${fileName}`,
      key,
    ];
    for (const name of others) expect((await fetched(name)).status).toBe(404);
  });

  it('serves names that begin with dots', async () => {
    for (const name of ['..', '.hidden']) expect((await fetched((await report('x', name)).fileName)).status).toBe(200);
  });

  it('answers 410 when the file is gone or cut short', async () => {
    const [gone, short] = [await report('0123456789'), await report('0123456789')];
    await files.remove([gone.fileKey]);
    truncateSync(join(folder, 'results', short.fileKey), 5);
    expect((await fetched(gone.fileName)).status).toBe(410);
    expect((await fetched(short.fileName)).status).toBe(410);
  });

  it('reads no faster than the caller takes, and closes the file when the caller goes away', async () => {
    const file = await report('x'.repeat(64 * 1024 * 1024));
    const [response] = (await once(get(to(file.fileName)), 'response')) as [IncomingMessage];
    await once(response, 'readable');
    response.destroy();
    const stream = files.opened.at(-1)! as Readable & { bytesRead: number };
    await new Promise((resolve) => (stream.closed ? resolve(null) : stream.once('close', resolve)));
    expect(stream.bytesRead).toBeLessThan(file.sizeBytes);
  });
});

describe('GET /api/report-types', () => {
  it('lists the types', async () => {
    const { status, body } = await fetched('', {}, { path: '/api/report-types' });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      report_types: expect.arrayContaining([expect.objectContaining({ type: 'digest' })]),
    });
  });
});
