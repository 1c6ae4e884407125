/** A request says why its callback is not delivered, and when it is tried next. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { type DestinationPage, type RequestDetail, getJson } from '../support/json.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';

let daybook: Daybook;
beforeAll(async () => {
  daybook = await startDaybook({ env: { ...UNLIMITED, CALLBACK_RETRY_DELAYS: '300ms,600ms' } });
});

const request = (id: string): Promise<RequestDetail> => getJson(`${daybook.url}/api/requests/${id}`);

async function ask(callbackUrl: string, lane: string, count = 1): Promise<string[]> {
  const body = () => ({ input_data: 'x', iterations: 1, lane, callback_url: callbackUrl });
  return (await submitAsync(daybook.url, count, body, 1)).map(({ request_id }) => request_id);
}

const ended = (id: string): Promise<RequestDetail> =>
  eventually(async () => {
    const detail = await request(id);
    return ['SUCCESS', 'FAILED'].includes(detail.callback_status!) && detail;
  });

describe('a callback', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
    receiver.answerWith(({ path }) => ({ status: Number(path.slice(1)) }));
  });

  it.each([
    ['500', 3, 'All 3 attempts failed, the last one with: The receiver answered 500'],
    ['404', 1, 'The receiver answered 404, which is final: it is not retried'],
    ['302', 1, 'The receiver answered 302, which is final: redirects are not followed'],
  ])('that is answered %s fails after %d attempts, and says why', async (status, attempts, reason) => {
    const [id] = await ask(`${receiver.url}/${status}`, `answer-${status}`);
    const over = { callback_error: reason, callback_next_attempt_at: null };
    const detail = await ended(id!);
    expect(detail).toMatchObject({ ...over, callback_status: 'FAILED', callback_attempts: attempts });
    expect(detail.delivery_trace.at(-1)).toMatchObject({ next_attempt_at: null });
    expect((await get(daybook, `/api/requests/${id}/callback-logs`)).json).toMatchObject({
      ...over,
      total_attempts: attempts,
    });
    const { json } = await get(daybook, '/api/callbacks?limit=200');
    const listed = json.callbacks.find((callback: { request_id: string }) => callback.request_id === id);
    expect(listed).toMatchObject({ error: reason, next_attempt_at: null });
  });

  it('that is delivered has no error and no next attempt', async () => {
    const [id] = await ask(`${receiver.url}/200`, 'delivered');
    const none = { callback_error: null, callback_next_attempt_at: null };
    expect(await ended(id!)).toMatchObject({ ...none, callback_status: 'SUCCESS' });
    expect((await get(daybook, `/api/requests/${id}/callback-logs`)).json).toMatchObject(none);
  });

  it('that waits for a breaker shows that, and the time of the next probe', async () => {
    const failing = await startReceiver();
    failing.answer({ status: 503 });
    const ids = await ask(failing.url, 'waiting', 40);
    const waiting = await eventually(async () => {
      const detail = await request(ids.at(-1)!);
      return detail.callback_error !== null && detail;
    });
    expect(waiting).toMatchObject({
      callback_status: 'PENDING',
      callback_attempts: 0,
      callback_error: expect.stringContaining(`${failing.url} has failed `),
    });
    const page = await getJson<DestinationPage>(`${daybook.url}/api/callbacks/destinations?limit=200`);
    const open = page.destinations.find((known) => known.destination === failing.url)!;
    expect(Date.parse(waiting.callback_next_attempt_at!)).toBeGreaterThan(Date.parse(open.not_closed_since!));
    const logs = (await get(daybook, `/api/requests/${ids.at(-1)}/callback-logs`)).json;
    expect(logs.callback_error).toContain(`${failing.url} has failed `);
    failing.answer({ status: 200 });
    expect(await ended(ids.at(-1)!)).toMatchObject({ callback_status: 'SUCCESS', callback_error: null });
  });
});

describe('the demo receiver', () => {
  it('has no breaker: callbacks are retried on schedule, and sent at once after failures are turned off', async () => {
    const to = `${daybook.url}/api/callbacks/receive`;
    await post(daybook, '/api/callbacks/simulate-failures', { enabled: true });
    const ids = await ask(to, 'demo', 20);
    for (const id of ids) {
      const { callback_attempts, callback_error, delivery_trace } = await ended(id);
      expect(callback_attempts).toBe(3);
      expect(callback_error).toMatch(/^All 3 attempts failed/);
      for (const { attempt_number, attempted_at } of delivery_trace.slice(1)) {
        // The delay is that of the schedule. A breaker would wait for at least 2 s.
        const due = Date.parse(delivery_trace[attempt_number - 2]!.next_attempt_at!);
        expect(Date.parse(attempted_at)).toBeGreaterThanOrEqual(due - 50);
      }
    }
    await post(daybook, '/api/callbacks/simulate-failures', { enabled: false });
    const [id] = await ask(to, 'demo');
    expect(await ended(id!)).toMatchObject({ callback_status: 'SUCCESS', callback_attempts: 1 });
    const page = await getJson<DestinationPage>(`${daybook.url}/api/callbacks/destinations?limit=200`);
    expect(page.destinations.filter(({ destination }) => to.startsWith(destination))).toEqual([]);
  });
});
