/**
 * While less than `MIN_FREE_DISK` is free, nothing is accepted and no report begins; what was accepted stays
 * pending, repeats and reads are answered, and work continues when there is space.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, get, post, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { holdLane, releaseLane, sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const QUICK = { input_data: 'x', iterations: 1 };
/** More bytes than any disk has. */
const TOO_MUCH = '900000tb';
const env = { ...UNLIMITED, SWEEP_INTERVAL: '100ms' };

describe('a disk below MIN_FREE_DISK', () => {
  /** With enough space, and below the floor, on the same database. */
  let ample: Daybook;
  let low: Daybook;
  let pendingId: string;
  let finishedId: string;
  const call = (daybook: Daybook, key: string) =>
    post(daybook, '/api/async', { ...QUICK, lane: 'held', callback_url: null }, { 'Idempotency-Key': key });

  beforeAll(async () => {
    ample = await startDaybook({ env });
    finishedId = (await post(ample, '/api/sync', QUICK)).json.request_id;
    await holdLane(ample, 'held');
    pendingId = (await call(ample, 'before')).json.request_id;
    await ample.stop();
    low = await startDaybook({ env: { ...env, DATABASE_URL: ample.databaseUrl, MIN_FREE_DISK: TOO_MUCH } });
  });

  it('refuses every new request with 503 and Retry-After, and writes nothing', async () => {
    const count = async () => (await sql(low, 'SELECT id FROM requests')).length;
    const before = await count();
    for (const [path, body] of [
      ['/api/sync', QUICK],
      ['/api/async', { ...QUICK, callback_url: null }],
      ['/api/batch', { requests: [{ ...QUICK, callback_url: null }] }],
    ] as const) {
      const reply = await post(low, path, body, { 'Idempotency-Key': `refused ${path}` });
      expectProblem(reply, 503);
      expect(reply.json.detail).toBe(
        'The service has too little free disk space (MIN_FREE_DISK). Nothing was accepted.',
      );
      expect(reply.headers.get('retry-after')).toBe('60');
    }
    expect(await count()).toBe(before);
    expect((await get(low, '/metrics')).text).toMatch(/^daybook_shed_total\{reason="disk"\} 3$/m);
    expect(low.output().match(/less than MIN_FREE_DISK/g)).toHaveLength(1);
  });

  it('shows in readiness, and answers reads, repeats and deletions', async () => {
    expect(await get(low, '/readyz')).toMatchObject({ status: 503, json: { ready: false, cause: 'disk-low' } });
    expect((await get(low, '/healthz')).json.status).toBe('ok');
    expect((await get(low, `/api/requests/${pendingId}`)).json.status).toBe('PENDING');
    const repeat = await call(low, 'before');
    expect([repeat.status, repeat.json.request_id]).toEqual([202, pendingId]);
    expect((await send(low, 'DELETE', `/api/requests/${finishedId}`)).status).toBe(200);
  });

  it('keeps accepted requests pending until there is space', async () => {
    await releaseLane(low, 'held');
    const swept = async () => (await sql<{ seen_at: Date }>(low, 'SELECT max(seen_at) AS seen_at FROM workers'))[0]!;
    const { seen_at: first } = await swept();
    await eventually(async () => (await swept()).seen_at.getTime() > first.getTime() + 500);
    expect((await get(low, `/api/requests/${pendingId}`)).json.status).toBe('PENDING');
    await low.stop();
    const enough = await startDaybook({ env: { ...env, DATABASE_URL: ample.databaseUrl, MIN_FREE_DISK: '1b' } });
    await eventually(async () => (await get(enough, `/api/requests/${pendingId}`)).json.status === 'COMPLETED');
    expect((await get(enough, '/readyz')).json).toEqual({ ready: true });
  });
});
