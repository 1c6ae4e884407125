/**
 * The file of a report matches the response, and its ETag is the hash of its bytes. The same parameters generate
 * the same bytes, and only names of finished reports return a file.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { parseCsv } from './rfc4180.js';
import { UNLIMITED } from '../support/submit.js';

const AS_OF = '2026-03-01';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: UNLIMITED });
});

/** The response to a sync request for transactions. */
async function report(params: object = {}): Promise<Reply['json']> {
  const { status, json } = await post(daybook, '/api/sync', { num_transactions: 40, as_of: AS_OF, ...params });
  expect(status).toBe(200);
  return json;
}

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');
const cents = (amount: string) => Number(amount.replace('.', ''));
const resultPath = (fileId: string) => join(daybook.dataDir, 'files/results', `${fileId}.csv`);

/** Sends the path unchanged; fetch would normalise it. */
async function getRaw(path: string): Promise<Reply> {
  const sent = request(daybook.url, { path, agent: false }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const body = await text(response);
  const headers = new Headers(response.headers as Record<string, string>);
  return { status: response.statusCode!, headers, text: body, json: JSON.parse(body) };
}

describe('the file of a report', () => {
  it('is an attachment with its own name, the announced length, and its hash as ETag', async () => {
    const { file_name, file_size_bytes, sha256: hash, download_url } = await report({ report_name: 'Q1  Report.v2' });
    expect(file_name).toMatch(/^Q1_Report\.v2_[0-9a-f-]{36}\.csv$/);
    expect(download_url).toBe(`/api/reports/${file_name}`);
    const file = await get(daybook, download_url);
    expect(file.status).toBe(200);
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename=${file_name}`,
      'content-length': String(file_size_bytes),
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      etag: `"${hash}"`,
    });
    expect(sha256(file.text)).toBe(hash);
    expect(Buffer.byteLength(file.text)).toBe(file_size_bytes);
  });

  it.each([1, 2, 50, 10_000])(
    'of %d transactions has rows that sum to its summary, to the cent',
    async (num_transactions) => {
      const { download_url, row_count, summary } = await report({ num_transactions });
      const lines = (await get(daybook, download_url)).text.split('\r\n').filter((line) => !line.startsWith('#'));
      const [columns, ...rows] = parseCsv(lines.join('\r\n'));
      expect(columns).toEqual(['Transaction ID', 'Date', 'Type', 'Category', 'Description', 'Amount']);
      expect(rows).toHaveLength(num_transactions);
      expect(new Set(rows.map(([id]) => id)).size).toBe(num_transactions);
      const sumOf = (type: string) =>
        rows.filter((row) => row[2] === type).reduce((sum, row) => sum + cents(row[5]!), 0);
      const [revenue, expenses] = [sumOf('Revenue'), sumOf('Expense')];
      expect(row_count).toBe(num_transactions);
      expect(summary).toEqual({
        total_transactions: num_transactions,
        total_revenue: revenue / 100,
        total_expenses: expenses / 100,
        net_income: (revenue - expenses) / 100,
        total_revenue_cents: revenue,
        total_expenses_cents: expenses,
        net_income_cents: revenue - expenses,
      });
    },
  );

  it('has the same bytes for the same parameters, sync or async, and different bytes for different ones', async () => {
    const params = { num_transactions: 200, report_name: 'Twice', as_of: AS_OF };
    const first = await report(params);
    const { json: accepted } = await post(daybook, '/api/async', { payload: params, callback_url: null });
    const path = `/api/requests/${accepted.request_id}`;
    await eventually(async () => (await get(daybook, path)).json.status === 'COMPLETED');
    const second = (await get(daybook, path)).json.result_payload;
    expect(second.sha256).toBe(first.sha256);
    expect(second.file_name).not.toBe(first.file_name);
    const [one, other] = await Promise.all([first, second].map((made) => get(daybook, made.download_url)));
    expect(one!.text).toBe(other!.text);
    for (const change of [{ num_transactions: 201 }, { report_name: 'Thrice' }, { as_of: '2026-03-02' }])
      expect((await report({ ...params, ...change })).sha256).not.toBe(first.sha256);
  });

  it('is not sent to a caller with a matching ETag, nor for HEAD', async () => {
    const { download_url, file_size_bytes, sha256: hash } = await report();
    const known = await get(daybook, download_url, { 'If-None-Match': `"${hash}"` });
    expect([known.status, known.text, known.headers.get('etag')]).toEqual([304, '', `"${hash}"`]);
    expect((await get(daybook, download_url, { 'If-None-Match': '"other"' })).status).toBe(200);
    for (const tag of ['"other"', `W/"${hash}"`, '"a", "b"', ''])
      expectProblem(await get(daybook, download_url, { 'If-Match': tag }), 412);
    for (const tag of [`"${hash}"`, `"a", "${hash}"`, '*'])
      expect((await get(daybook, download_url, { 'If-Match': tag })).status).toBe(200);
    const both = { 'If-Match': '"other"', 'If-None-Match': `"${hash}"` };
    expectProblem(await get(daybook, download_url, both), 412);
    const head = await send(daybook, 'HEAD', download_url);
    expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', `"${hash}"`]);
    expect(head.headers.get('content-length')).toBe(String(file_size_bytes));
  });

  it('can be read in ranges that add up to the whole file', async () => {
    const { download_url, file_size_bytes: size, sha256: hash } = await report();
    const part = (range: string) => get(daybook, download_url, { Range: range });
    const parts = [await part('bytes=0-99'), await part('bytes=100-199'), await part('bytes=200-')];
    const ranges = parts.map(({ headers }) => headers.get('content-range'));
    expect(parts.map(({ status }) => status)).toEqual([206, 206, 206]);
    expect(ranges).toEqual([`bytes 0-99/${size}`, `bytes 100-199/${size}`, `bytes 200-${size - 1}/${size}`]);
    expect(sha256(parts.map((piece) => piece.text).join(''))).toBe(hash);
    expect((await part('bytes=-10')).text).toBe(parts[2]!.text.slice(-10));

    const outside = await part(`bytes=${size}-`);
    expectProblem(outside, 416, download_url);
    expect(outside.headers.get('content-range')).toBe(`bytes */${size}`);
  });

  it('is 410 when it is missing or truncated', async () => {
    const [gone, short] = [await report(), await report()];
    await rm(resultPath(gone.file_id));
    await truncate(resultPath(short.file_id), 100);
    for (const { download_url, request_id } of [gone, short]) {
      expectProblem(await get(daybook, download_url), 410, download_url);
      expect((await get(daybook, `/api/requests/${request_id}`)).json.status).toBe('COMPLETED');
    }
  });
});

describe('a name without a finished report is 404:', () => {
  it.each([
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '../../../../../../etc/passwd',
    '..',
    '%2e%2e',
    '%2fetc%2fpasswd',
    '/etc/passwd',
    'file:%2f%2f%2fetc%2fpasswd',
    '..%5c..%5cetc%5cpasswd',
    '%252e%252e%252fetc%252fpasswd',
    '%00',
    `..%2f..%2fetc%2fpasswd%00_${randomUUID()}.csv`,
    `Monthly_Report_${randomUUID()}.csv`,
    'x'.repeat(5_000),
  ])('%s', async (name) => {
    const reply = await getRaw(`/api/reports/${name}`);
    expectProblem(reply, 404);
    expect(reply.text).not.toContain('root:');
  });

  it('a similar name, the storage key of a file, and a request without a file', async () => {
    const { file_name, file_id } = await report({ report_name: 'Mine' });
    const digest = (await post(daybook, '/api/sync', { input_data: 'x', iterations: 1 })).json;
    await writeFile(join(daybook.dataDir, 'files/results/stray.csv'), 'root:');
    const names = [
      file_name.replace('Mine', 'mine'),
      file_name.replace('Mine', 'Yours'),
      file_name.replace('Mine_', ''),
      file_name.replace('.csv', '.json'),
      file_name.toUpperCase(),
      `${file_name}%00`,
      `%00${file_name}`,
      `..%2fresults%2f${file_name}`,
      `${file_id}.csv`,
      `..%2fresults%2f${file_id}.csv`,
      `Mine_${digest.request_id}.json`,
      'stray.csv',
    ];
    for (const name of names) expectProblem(await getRaw(`/api/reports/${name}`), 404);
    expect((await get(daybook, `/api/reports/${file_name}`)).status).toBe(200);
  });

  it('a name that is not valid UTF-8 is 400', async () => {
    for (const name of ['%ff', '..%c0%afetc%c0%afpasswd', '%'])
      expectProblem(await getRaw(`/api/reports/${name}`), 400);
  });
});
