/** A repeat of a request whose report failed gets that failure again, and costs no quota. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, post, type Reply } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { UNLIMITED } from '../support/submit.js';
import { QUICK, REPLAYED, expectReplayOf, keyed, olderKeyed, remaining } from './idempotency-fixture.js';

describe('a repeat of a sync request that failed', () => {
  const TOO_LONG = { input_data: 'long', iterations: 1_000_000 };
  let hasty: Daybook;
  let key: string;
  let first: Reply;
  beforeAll(async () => {
    const settings = { REPORT_THREADS: '1', REPORT_TIMEOUT: '1s', RATE_LIMIT_SYNC: '1000/7d' };
    hasty = await startDaybook({ env: { ...UNLIMITED, ...settings } });
    // Requests that wait for the only thread time out on any machine.
    const keys = Array.from({ length: 12 }, () => randomUUID());
    const replies = await Promise.all(keys.map((each) => call(TOO_LONG, keyed(each))));
    const failed = replies.findIndex(({ status }) => status === 500);
    [key, first] = [keys[failed]!, replies[failed]!];
  });

  const call = (body: object, headers: Record<string, string>) => post(hasty, '/api/sync', body, headers);

  it('gets the first response again, byte for byte', async () => {
    expectProblem(first, 500, '/api/sync');
    expect(first.json.detail).toContain('took longer than 1 s');
    expectReplayOf(first, await call(TOO_LONG, keyed(key)));
  });

  it('is marked as a duplicate under X-Idempotency-Key', async () => {
    const repeat = await call(TOO_LONG, olderKeyed(key));
    expect([repeat.status, repeat.headers.get(REPLAYED)]).toEqual([200, 'true']);
    const { request_id } = first.json;
    expect(repeat.json).toMatchObject({ status: 'duplicate', request_id, original_result: null });
  });

  it('costs no quota', async () => {
    const before = remaining(await call(QUICK, {}));
    for (let n = 0; n < 5; n++) await call(TOO_LONG, keyed(key));
    for (let n = 0; n < 5; n++) await call(TOO_LONG, olderKeyed(key));
    expect(remaining(await call(QUICK, {}))).toBe(before - 1);
  });

  it('is not logged as a new failure', async () => {
    const failures = () => hasty.output().split('took longer').length;
    const before = failures();
    await call(TOO_LONG, keyed(key));
    await call(QUICK, {});
    expect(failures()).toBe(before);
  });
});
