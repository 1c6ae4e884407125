import { expect } from '@jest/globals';
import { createHash } from 'node:crypto';
import { request } from 'undici';
import { v7 as uuidv7 } from 'uuid';
import { get, post, type Reply } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { createKey, type TestKey } from '../support/keys.js';
import { sql } from '../support/sql.js';

/** The result of a report, and its file as text. */
export interface Report {
  result: Reply['json'];
  file: string;
}

/** The headers of a caller. */
export interface By {
  headers: { authorization: string };
}

/** An account with a key. */
export interface Books {
  key: TestKey;
  /** Its id. */
  account: string;
}

/** Adds an account, so that a test has its own books. */
export async function accountWithBooks(daybook: Daybook, name: string = uuidv7()): Promise<Books> {
  const key = await createKey(daybook, ['reports:read', 'reports:write', 'books:read', 'books:write'], {
    account: name,
  });
  const [row] = await sql<{ id: string }>(daybook, 'SELECT id FROM accounts WHERE name = $1', [name]);
  return { key, account: row!.id };
}

const INTERVAL = { from: '2026-01-01', to: '2026-02-01' };

/** Returns functions that ask the service that `daybook` returns, which starts after the file loads, for reports. */
export function reportsClient(daybook: () => Daybook) {
  /** Asks for a report of January 2026, unless the parameters name another interval. */
  const ask = (by: By, report: string, params: object = {}, more: object = {}): Promise<Reply> =>
    post(daybook(), '/api/sync', { report, payload: { ...INTERVAL, ...params }, ...more }, by.headers);

  /** Downloads the file of a result, which must have its hash and length. */
  async function fileOf(by: By, result: Reply['json']): Promise<string> {
    const { statusCode, body } = await request(daybook().url + result.download_url, { headers: { ...by.headers } });
    const bytes = Buffer.from(await body.arrayBuffer());
    expect(statusCode).toBe(200);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(result.sha256);
    expect(bytes.length).toBe(result.file_size_bytes);
    return bytes.toString();
  }

  /** Generates a report, which must succeed. */
  async function run(by: By, report: string, params: object = {}, format = 'csv'): Promise<Report> {
    const { status, text, json } = await ask(by, report, params, { format });
    expect([status, text]).toEqual([200, text]);
    return { result: json, file: await fileOf(by, json) };
  }

  /** Generates a report as JSON lines. @returns Its rows. */
  async function rowsOf(by: By, report: string, params: object = {}): Promise<Reply['json'][]> {
    const { file } = await run(by, report, params, 'jsonl');
    return file
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object);
  }

  /** Accepts an async request. @returns Its id. */
  async function submit(by: By, report: string, params: object = {}, more: object = {}): Promise<string> {
    const body = { report, payload: { ...INTERVAL, ...params }, callback_url: null, ...more };
    const { status, text, json } = await post(daybook(), '/api/async', body, by.headers);
    expect([status, text]).toEqual([202, text]);
    return json.request_id;
  }

  const detailOf = async (by: By, id: string): Promise<Reply['json']> =>
    (await get(daybook(), `/api/requests/${id}`, by.headers)).json;

  /** Waits until an async request has completed. */
  async function completed(by: By, id: string): Promise<Report> {
    const {
      status,
      error,
      result_payload: result,
    } = await eventually(async () => {
      const detail = await detailOf(by, id);
      expect(detail.status).not.toMatch(/PENDING|PROCESSING/);
      return detail;
    });
    expect([status, error]).toEqual(['COMPLETED', null]);
    return { result, file: await fileOf(by, result) };
  }

  return { ask, fileOf, run, rowsOf, submit, detailOf, completed };
}
