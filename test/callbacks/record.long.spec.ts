import { describe, expect, it } from '@jest/globals';
import { get } from '../support/client.js';
import { startDaybook } from '../support/daybook.js';
import { createDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type Receipt, startReceiver } from '../support/receiver.js';
import { sql } from '../support/sql.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

type Attempt = {
  attempt_number: number;
  outcome: string;
  status_code: number | null;
  trigger: string;
  attempted_at: string;
};

const numberOf = ({ headers }: Receipt): number => Number(headers['x-attempt-number']);

/** An attempt is recorded before it is sent, and callbacks are sent when they are due, through any crash. */
describe('kill -9 between sending and recording', () => {
  // A first attempt belongs to its delivery queue, a retry is leased on its own.
  it.each([
    ['a first attempt', 1],
    ['a retry', 2],
  ])('of %s: it shows as unknown, and is sent again under the same id with its whole schedule', async (_, dies) => {
    const [database, receiver] = await Promise.all([createDatabase(), startReceiver()]);
    const env = {
      ...UNLIMITED,
      DATABASE_URL: database.url,
      CALLBACK_RETRY_DELAYS: '100ms,100ms',
      CALLBACK_TIMEOUT: '30s',
    };
    const victim = await startDaybook({ env });
    receiver.answerWith((receipt) => (numberOf(receipt) === dies ? 'silence' : { status: 500 }));
    const body = () => ({ num_transactions: 1, callback_url: receiver.url });
    const [acknowledgement] = await submitAsync(victim.url, 1, body);
    const { request_id } = acknowledgement!;
    await eventually(() => receiver.received.some((receipt) => numberOf(receipt) === dies));
    victim.kill('SIGKILL');
    await victim.exited;

    receiver.answerWith((receipt) => ({ status: numberOf(receipt) === 4 ? 200 : 500 }));
    const next = await startDaybook({ env });
    const { json } = await eventually(async () => {
      const answer = await get(next, `/api/requests/${request_id}`);
      return answer.json.callback_status === 'SUCCESS' && answer;
    });
    const trace = json.delivery_trace.map(({ attempt_number, outcome }: Attempt) => [attempt_number, outcome]);
    const before = dies === 1 ? [] : [[1, 'failed']];
    const after =
      dies === 1
        ? [
            [2, 'failed'],
            [3, 'failed'],
          ]
        : [[3, 'failed']];
    // Three attempts in all: the attempt of unknown outcome does not count.
    expect(trace).toEqual([...before, [dies, 'unknown'], ...after, [4, 'succeeded']]);
    expect(json.callback_attempts).toBe(3);
    expect(receiver.received.map(numberOf)).toEqual([1, 2, 3, 4]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(receiver.received.map(({ raw }) => raw.toString())).size).toBe(1);
    await database.drop();
  });

  it('of many in a delivery queue: only those that may have been sent are unknown, and the order is kept', async () => {
    const COUNT = 200;
    const [database, receiver] = await Promise.all([createDatabase(), startReceiver()]);
    const env = { ...UNLIMITED, DATABASE_URL: database.url };
    const victim = await startDaybook({ env });
    receiver.answerWith((_, index) => (index === 100 ? 'silence' : {}));
    const body = () => ({ num_transactions: 1, callback_url: receiver.url });
    await submitAsync(victim.url, COUNT, body, 1);
    await eventually(() => receiver.received.length === 101);
    victim.kill('SIGKILL');
    await victim.exited;
    receiver.answer({});
    const next = await startDaybook({ env });
    await eventually(() => new Set(receiver.received.map(({ json }) => json.request_id)).size === COUNT);
    await eventually(async () => (await get(next, '/api/callbacks?status=PENDING')).json.callbacks.length === 0);
    const rows = await sql<{ at: number; success: boolean | null }>(
      next,
      `SELECT r.queue_position AS at, l.success FROM callback_logs l JOIN requests r ON r.id = l.request_id
       ORDER BY r.queue_position, l.attempt_number`,
    );
    const unknown = rows.filter(({ success }) => success === null).map(({ at }) => Number(at));
    expect(unknown).toContain(101);
    // The bound of attempts that are started ahead, which depends on the rate of the receiver.
    expect(unknown.length).toBeLessThanOrEqual(160);
    expect(Math.min(...unknown)).toBeLessThanOrEqual(101);
    expect(rows.filter(({ success }) => success)).toHaveLength(COUNT);
    const firsts = [...new Set(receiver.received.map(({ json }) => json.queue_position as number))];
    expect(firsts).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1));
    await database.drop();
  });
});

describe('the schedule', () => {
  it('is 0, 2 and 6 s after 500, 500, 200, with 25% jitter, and has one attempt after 4xx', async () => {
    const [receiver, refusing] = await Promise.all([startReceiver(), startReceiver()]);
    receiver.answer({ status: 500 }, { status: 500 }, { status: 200 });
    refusing.answer({ status: 422 });
    const daybook = await startDaybook({ env: UNLIMITED });
    const body = (index: number) => ({ num_transactions: 1, callback_url: [receiver, refusing][index]!.url });
    const [slow, refused] = await submitAsync(daybook.url, 2, body, 1);
    const trace = async (id: string): Promise<Attempt[]> => {
      const { json } = await eventually(async () => {
        const answer = await get(daybook, `/api/requests/${id}`);
        return answer.json.callback_status !== 'PENDING' && answer;
      });
      return json.delivery_trace;
    };
    expect(await trace(refused!.request_id)).toMatchObject([{ status_code: 422, trigger: 'first' }]);
    const attempts = await trace(slow!.request_id);
    expect(attempts.map(({ status_code }) => status_code)).toEqual([500, 500, 200]);
    const [first, second, third] = attempts.map(({ attempted_at }) => Date.parse(attempted_at)) as [
      number,
      number,
      number,
    ];
    // Never early; the delay depends on the machine.
    expect(second - first).toBeGreaterThanOrEqual(1_490);
    expect(third - second).toBeGreaterThanOrEqual(2_990);
    expect(second - first).toBeLessThan(2_500 + 1_000);
    expect(third - second).toBeLessThan(5_000 + 1_000);
  });

  it('is kept for thousands that are due in the same second, across a restart', async () => {
    const COUNT = 3_000;
    const [database, receiver] = await Promise.all([createDatabase(), startReceiver()]);
    const env = { ...UNLIMITED, DATABASE_URL: database.url };
    const daybook = await startDaybook({ env });
    // Each has failed once, and all are due again at the same time, in many lanes.
    await sql(
      daybook,
      `WITH made AS (
         INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload, result_payload,
           callback_url, completed_at)
         SELECT gen_random_uuid(), 'async', 'COMPLETED', 'digest', 'json', 'lane-' || n % 10, n, '{}', '{}', $1, now()
         FROM generate_series(1, $2::integer) n RETURNING id, callback_url, lane, queue_position
       )
       INSERT INTO callback_deliveries (id, request_id, url, destination, lane, queue_position, attempts, next_attempt_at)
       SELECT gen_random_uuid(), id, callback_url, $1, lane, queue_position, 1, now() + interval '8 seconds' FROM made`,
      [receiver.url, COUNT],
    );
    const [{ due }] = (await sql<{ due: Date }>(
      daybook,
      'SELECT max(next_attempt_at) AS due FROM callback_deliveries',
    )) as [{ due: Date }];
    daybook.kill('SIGKILL');
    await daybook.exited;
    expect(receiver.received).toEqual([]);
    const next = await startDaybook({ env });
    await eventually(() => receiver.received.length >= COUNT);
    const late = receiver.received.map(({ receivedAt }) => receivedAt.getTime() - due.getTime());
    expect(Math.min(...late)).toBeGreaterThanOrEqual(-1);
    expect(Math.min(...late)).toBeLessThan(1_000);
    await eventually(async () => (await get(next, '/api/callbacks?status=PENDING')).json.callbacks.length === 0);
    expect(receiver.received).toHaveLength(COUNT);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(COUNT);
    await database.drop();
  });
});
