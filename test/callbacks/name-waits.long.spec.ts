import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import type { RequestDetail } from '../support/json.js';
import { createKey, type TestKey } from '../support/keys.js';
import { type NameAnswer, NXDOMAIN, startNameserver } from '../support/nameserver.js';
import { startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

/** Waiting for a nameserver uses up no attempt and does not delay other accounts. */
let daybook: Daybook;
let hostile: TestKey;
let other: TestKey;
const names: Record<string, NameAnswer> = {};

beforeAll(async () => {
  const { server } = await startNameserver(
    ({ name }) => names[name] ?? (name.endsWith('.dead.test') ? 'silence' : NXDOMAIN),
  );
  const env = { ...UNLIMITED, AUTH: 'required', CALLBACK_DNS_SERVERS: server, CALLBACK_RETRY_DELAYS: '100ms' };
  daybook = await startDaybook({ env });
  hostile = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'hostile' });
  other = await createKey(daybook, ['reports:read', 'reports:write'], { account: 'other' });
});

async function ask({ headers }: TestKey, callback_url: string, lane: string): Promise<string> {
  const response = await fetch(`${daybook.url}/api/async`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ num_transactions: 1, lane, callback_url }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { request_id: string }).request_id;
}

interface Delivery {
  status: string;
  attempts: number;
  error: string | null;
}

function deliveries(ids: string[]): Promise<Delivery[]> {
  const list = ids.map((id) => `'${id}'`).join();
  return sql<Delivery>(
    daybook,
    `SELECT status, attempts, error FROM callback_deliveries WHERE request_id IN (${list})`,
  );
}

describe('a nameserver that never answers', () => {
  it('delays neither the callbacks of another account nor uses up attempts', async () => {
    const receiver = await startReceiver();
    names['good.test'] = ['127.0.0.1'];
    const dead: string[] = [];
    for (let n = 0; n < 40; n += 1) dead.push(await ask(hostile, `http://n${n}.dead.test/`, `lane-${n}`));
    // Each was tried: its lookup, or its wait for one, has ended.
    const isWaiting = ({ error }: Delivery) => error?.includes('Not sent yet');
    await eventually(async () => (await deliveries(dead)).some(isWaiting));
    const askedAtMs = performance.now();
    const good: string[] = [];
    for (let n = 0; n < 5; n += 1) good.push(await ask(other, `http://good.test:${receiver.port}/`, `lane-${n}`));
    await eventually(() => receiver.received.length === 5);
    expect(performance.now() - askedAtMs).toBeLessThan(10_000);
    await eventually(async () => (await deliveries(good)).every(({ status }) => status === 'SUCCESS'));

    const waiting = await eventually(async () => {
      const all = await deliveries(dead);
      return all.length === 40 && all.every(isWaiting) && all;
    });
    expect(waiting.every(({ status, attempts }) => status === 'PENDING' && attempts === 0)).toBe(true);
    expect(new Set(waiting.map(({ error }) => error!.replace(/n\d+\.dead/, 'n.dead')))).toContain(
      'Not sent yet: No nameserver resolves n.dead.test (ETIMEOUT). This uses up no attempt',
    );
  });

  it('is asked again, and the callback is sent once it answers', async () => {
    const receiver = await startReceiver();
    const id = await ask(hostile, `http://late.dead.test:${receiver.port}/`, 'late');
    await eventually(async () => (await deliveries([id]))[0]?.error);
    names['late.dead.test'] = ['127.0.0.1'];
    const [receipt] = await eventually(() => receiver.received.length > 0 && receiver.received, { timeoutMs: 60_000 });
    expect(receipt!.headers['x-attempt-number']).toBe('1');
    await eventually(async () =>
      expect(await deliveries([id])).toEqual([{ status: 'SUCCESS', attempts: 1, error: null }]),
    );
  });
});

describe('a name that does not exist', () => {
  it('is the fault of the receiver: each try is an attempt', async () => {
    const id = await ask(other, 'http://gone.test/', 'gone');
    const request = await eventually(async () => {
      const detail = (await fetch(`${daybook.url}/api/requests/${id}`, { headers: other.headers }).then((response) =>
        response.json(),
      )) as RequestDetail;
      return detail.callback_status === 'FAILED' && detail;
    });
    expect(request.delivery_trace).toMatchObject([
      { attempt_number: 1, error_message: 'The name gone.test could not be resolved (ENOTFOUND)' },
      { attempt_number: 2 },
    ]);
  });
});

describe('a CIDR in CALLBACK_ALLOW', () => {
  it('covers localhost, and names that resolve into it', async () => {
    const receiver = await startReceiver();
    names['receiver'] = ['127.0.0.1'];
    await ask(other, `http://localhost:${receiver.port}/a`, 'localhost');
    await ask(other, `http://receiver:${receiver.port}/b`, 'receiver');
    const paths = await eventually(
      () => receiver.received.length === 2 && receiver.received.map(({ path }) => path).toSorted(),
    );
    expect(paths).toEqual(['/a', '/b']);
  });
});

describe('the refusal of a name', () => {
  it('names the kind of address only to operators', async () => {
    names['private.test'] = ['10.0.0.1'];
    const admin = await createKey(daybook, ['admin', 'reports:write'], { account: 'operations' });
    const [toOther, toAdmin] = await Promise.all(
      [other, admin].map(async ({ headers }) => {
        const response = await fetch(`${daybook.url}/api/callbacks/test`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ url: 'http://private.test/' }),
        });
        return (await response.json()) as { error_kind: string; error_message: string };
      }),
    );
    expect(toOther!.error_kind).toBe('blocked');
    expect(toOther!.error_message).toContain('CALLBACK_ALLOW=private.test:80 would allow it');
    expect(toOther!.error_message).not.toMatch(/private address|RFC|10\./);
    expect(toAdmin!.error_message).toContain('private.test resolves to a private address (RFC 1918)');
  });
});
