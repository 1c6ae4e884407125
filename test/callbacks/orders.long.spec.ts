import { beforeAll, describe, expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type Receipt, startReceiver } from '../support/receiver.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

const QUICK = { ...UNLIMITED, CALLBACK_RETRY_DELAYS: '100ms,200ms', CALLBACK_TIMEOUT: '400ms' };
const COUNT = 30;

const position = ({ json }: Receipt): number => json.queue_position;

/** Requests reports in one lane, with callbacks to the receiver. */
function ask(daybook: Daybook, lane: string, url: string, count = COUNT): Promise<{ request_id: string }[]> {
  return submitAsync(daybook.url, count, () => ({ num_transactions: 1, lane, callback_url: url }), 1);
}

/** Every third attempt fails at first; one callback always fails, one stalls and one is dropped. */
function misbehave({ json, headers }: Receipt): { status?: number } | 'drop' | 'silence' {
  if (json.queue_position === 7) return { status: 500 };
  if (headers['x-attempt-number'] !== '1') return {};
  if (json.queue_position === 11) return 'silence';
  if (json.queue_position === 13) return 'drop';
  return json.queue_position % 3 === 0 ? { status: 503 } : {};
}

async function allSettled(daybook: Daybook, requests: { request_id: string }[]): Promise<void> {
  await eventually(async () => {
    // In this order, so that the second check finds a callback created after the first.
    const { json: all } = await get(daybook, '/api/callbacks?limit=200');
    const { json } = await get(daybook, '/api/callbacks?status=PENDING');
    return json.callbacks.length === 0 && all.callbacks.length === requests.length;
  });
}

/** Callbacks of one lane to one destination keep the configured order, for any receiver. */
describe('CALLBACK_ORDER', () => {
  it('strict: a callback waits until the previous one is delivered or dead', async () => {
    const daybook = await startDaybook({ env: { ...QUICK, CALLBACK_ORDER: 'strict' } });
    const receiver = await startReceiver();
    receiver.answerWith(misbehave);
    await allSettled(daybook, await ask(daybook, 'strict', receiver.url));
    const order = receiver.received.map(position);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(new Set(order).size).toBe(COUNT);
    expect(order.filter((at) => at === 7)).toHaveLength(3);
    expect(order.filter((at) => at === 9)).toHaveLength(2);
  });

  it('ordered: first attempts are sent in order, and a retry does not block the queue', async () => {
    const daybook = await startDaybook({ env: { ...QUICK, CALLBACK_ORDER: 'ordered' } });
    const receiver = await startReceiver();
    receiver.answerWith(misbehave);
    await allSettled(daybook, await ask(daybook, 'ordered', receiver.url));
    const firsts = receiver.received.filter(({ headers }) => headers['x-attempt-number'] === '1').map(position);
    // An attempt that was dropped on a reused connection is sent again at once on a new one.
    const distinct = firsts.filter((at, index) => at !== firsts[index - 1]);
    expect(distinct).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1));
    const order = receiver.received.map(position);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  });

  it('unordered: several are in flight at once, and each arrives', async () => {
    const daybook = await startDaybook({ env: { ...QUICK, CALLBACK_ORDER: 'unordered' } });
    const receiver = await startReceiver();
    let underWay = 0;
    let mostUnderWay = 0;
    receiver.answerWith((receipt) => {
      mostUnderWay = Math.max(mostUnderWay, ++underWay);
      setTimeout(() => underWay--, 45);
      const answer = misbehave(receipt);
      return typeof answer === 'string' ? answer : { ...answer, delayMs: 50 };
    });
    await allSettled(daybook, await ask(daybook, 'unordered', receiver.url));
    expect(new Set(receiver.received.map(position)).size).toBe(COUNT);
    expect(mostUnderWay).toBeGreaterThan(2);
    const lost = (await get(daybook, '/api/callbacks?status=FAILED')).json.callbacks;
    expect(lost.map(({ queue_position }: { queue_position: number }) => queue_position)).toEqual([7]);
  });
});

describe('redelivery', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    daybook = await startDaybook({ env: QUICK });
  });

  it('sends a dead callback again, under the same id, with its whole schedule', async () => {
    const receiver = await startReceiver();
    receiver.answer({ status: 500 }, { status: 500 }, { status: 500 }, { status: 500 }, { status: 200 });
    const [{ request_id }] = (await ask(daybook, 'dead', receiver.url, 1)) as [{ request_id: string }];
    await eventually(async () => (await get(daybook, `/api/requests/${request_id}`)).json.callback_status === 'FAILED');
    expect(receiver.received).toHaveLength(3);

    const again = await post(daybook, `/api/requests/${request_id}/redeliver`, undefined);
    expect(again.status).toBe(202);
    expect(again.json).toMatchObject({ request_id, callback_status: 'PENDING' });
    const { json } = await eventually(async () => {
      const answer = await get(daybook, `/api/requests/${request_id}`);
      return answer.json.callback_status === 'SUCCESS' && answer;
    });
    const trace = json.delivery_trace.map(({ trigger, status_code }: { trigger: string; status_code: number }) => [
      trigger,
      status_code,
    ]);
    expect(trace).toEqual([
      ['first', 500],
      ['retry', 500],
      ['retry', 500],
      ['manual', 500],
      ['retry', 200],
    ]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(receiver.received.map(({ headers }) => headers['x-attempt-number'])).toEqual(['1', '2', '3', '4', '5']);
  });

  it('sends a delivered callback again', async () => {
    const receiver = await startReceiver();
    const [{ request_id }] = (await ask(daybook, 'taken', receiver.url, 1)) as [{ request_id: string }];
    await eventually(
      async () => (await get(daybook, `/api/requests/${request_id}`)).json.callback_status === 'SUCCESS',
    );
    await post(daybook, `/api/requests/${request_id}/redeliver`, undefined);
    await eventually(() => receiver.received.length === 2);
  });

  it('refuses a request without a callback', async () => {
    const { json } = await post(daybook, '/api/sync', { num_transactions: 1 });
    const refused = await post(daybook, `/api/requests/${json.request_id}/redeliver`, undefined);
    expect([refused.status, refused.json.type]).toEqual([409, 'urn:daybook:problem:no-callback-due']);
    expect((await post(daybook, '/api/requests/nobody/redeliver', undefined)).status).toBe(404);
  });

  it('lists callbacks by status, destination and time, page by page', async () => {
    const receiver = await startReceiver();
    receiver.answerWith(({ json }) => (json.queue_position > 3 ? { status: 400 } : {}));
    const since = new Date().toISOString();
    await ask(daybook, 'find', receiver.url, 5);
    await eventually(() => receiver.received.length === 5);
    const find = async (query: string) => {
      const { json } = await get(daybook, `/api/callbacks?destination=${receiver.url}&${query}`);
      return {
        cursor: json.next_cursor,
        at: json.callbacks.map((found: { queue_position: number }) => found.queue_position),
      };
    };
    await eventually(async () => (await find('status=FAILED')).at.length === 2);
    expect((await find('status=FAILED')).at).toEqual([5, 4]);
    expect((await find(`since=${since}`)).at).toEqual([5, 4, 3, 2, 1]);
    expect((await find(`since=${new Date(Date.now() + 60_000).toISOString()}`)).at).toEqual([]);
    const first = await find('limit=3');
    expect(first.at).toEqual([5, 4, 3]);
    expect(await find(`limit=3&cursor=${first.cursor}`)).toEqual({ at: [2, 1], cursor: null });
  });

  it.each(['status=DEAD', 'since=yesterday', 'limit=0', 'cursor=x', 'more=1'])(
    'refuses the query %s',
    async (query) => {
      expect((await get(daybook, `/api/callbacks?${query}`)).status).toBe(422);
    },
  );
});
