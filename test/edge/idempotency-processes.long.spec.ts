/** Requests with one key are executed once over all processes, even if one crashes. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, post } from '../support/client.js';
import { type TestDatabase, createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { whileNothingFinishes } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { QUICK, REPLAYED, asyncBody, essence, idsOf, keyed } from './idempotency-fixture.js';

describe('with two processes', () => {
  let database: TestDatabase;
  let pair: [Daybook, Daybook];
  const idsUnder = (key: string) => idsOf(pair[1], key);
  beforeAll(async () => {
    database = await createDatabase();
    const env = { ...UNLIMITED, DATABASE_URL: database.url, LANE_LEASE: '2s', SWEEP_INTERVAL: '100ms' };
    pair = await Promise.all([startDaybook({ env }), startDaybook({ env })]);
  });
  afterAll(() => database.drop());

  it.each(['sync', 'async'])('500 requests to /api/%s with one key are executed once', async (mode) => {
    const [key, body] = [randomUUID(), mode === 'sync' ? QUICK : asyncBody()];
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, index) => post(pair[index % 2]!, `/api/${mode}`, body, keyed(key))),
    );
    const answers = replies.filter(({ status }) => status < 300);
    expect(new Set(answers.map((reply) => JSON.stringify(essence(reply)))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get(REPLAYED) === null)).toHaveLength(1);
    // 409 while the first sync request runs, 503 over the limit of concurrent ones.
    for (const reply of replies) if (reply.status >= 300) expectProblem(reply, reply.status === 503 ? 503 : 409);
    if (mode === 'async') expect(answers).toHaveLength(500);
    expect(await idsUnder(key)).toEqual([answers[0]!.json.request_id]);
    const again = await post(pair[1], `/api/${mode}`, body, keyed(key));
    expect([again.text, again.headers.get(REPLAYED)]).toEqual([answers[0]!.text, 'true']);
  });

  it('a key of a crashed process keeps its request, which another process completes', async () => {
    const key = randomUUID();
    const id = await whileNothingFinishes(pair[1], async () => {
      const lost = post(pair[0], '/api/sync', QUICK, keyed(key)).catch(() => null);
      const [first] = await eventually(async () => {
        const ids = await idsUnder(key);
        return ids.length > 0 && ids;
      });
      pair[0].kill();
      expect(await lost).toBeNull();
      const early = await post(pair[1], '/api/sync', QUICK, keyed(key));
      expectProblem(early, 409, '/api/sync');
      expect(Number(early.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      return first;
    });
    const reply = await eventually(async () => {
      const repeat = await post(pair[1], '/api/sync', QUICK, keyed(key));
      return repeat.status === 200 && repeat;
    });
    expect([reply.json.request_id, reply.headers.get(REPLAYED)]).toEqual([id, 'true']);
    expect(await idsUnder(key)).toEqual([id]);
  });
});
