/**
 * Promise: while the only worker is stopped, the API accepts requests, bookings and changes as fast as before. When a worker is
 * back, it generates every report in order, sends every callback, and sends every mail.
 */
import { expect, it } from '@jest/globals';
import { startSmtp } from '../mail/smtp-fixture.js';
import { get, send } from '../support/client.js';
import { createDatabase } from '../support/database.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver.js';
import { redisUrl } from '../support/redis.js';
import { UNLIMITED, submitAsync } from '../support/submit.js';
import { booked, publish, register } from '../tickets/tickets-fixture.js';

const REQUESTS = 200;
const BOOKINGS = 10;

it('a stopped worker leaves the API at full speed, and its backlog drains when it is back', async () => {
  const [{ url: DATABASE_URL }, REDIS_URL] = await Promise.all([createDatabase(), redisUrl()]);
  const [smtp, receiver] = await Promise.all([startSmtp(), startReceiver()]);
  const env = { ...UNLIMITED, DATABASE_URL, REDIS_URL, SMTP_URL: smtp.url, MAIL_CHANGE_DELAY: '10ms' };
  const [api, worker] = await Promise.all([startDaybook({ role: 'api', env }), startDaybook({ role: 'worker', env })]);
  const [organizer, customer] = [await register(api, 'organizer'), await register(api, 'customer')];
  const event = await publish(api, organizer);
  const completed: string[] = [];
  let halls = 0;
  /** @returns Milliseconds that the API takes for requests, bookings and a change. */
  const timed = async (lane: string): Promise<number> => {
    const begun = performance.now();
    const body = (index: number) => ({
      input_data: `${lane} ${index}`,
      iterations: 1,
      lane,
      callback_url: receiver.url,
    });
    const acknowledged = await submitAsync(api.url, REQUESTS, body, 1);
    for (let n = 0; n < BOOKINGS; n++) await booked(api, customer, event.id);
    const change = { body: { location: `Hall ${++halls}` }, headers: organizer.headers };
    expect((await send(api, 'PATCH', `/api/events/${event.id}`, change)).status).toBe(200);
    completed.push(...acknowledged.map(({ request_id }) => request_id));
    return performance.now() - begun;
  };
  const stateOf = async (lane: string, status: string): Promise<number> => {
    const { requests } = (await get(api, `/api/requests?lane=${lane}&status=${status}&limit=${REQUESTS}`)).json;
    return requests.length as number;
  };
  const mails = (): number => smtp.received.filter(({ to }) => to === customer.email).length;

  const withWorker = await timed('with');
  await eventually(() => expect([receiver.received.length, mails()]).toEqual([REQUESTS, BOOKINGS + 1]), {
    timeoutMs: 60_000,
  });
  await worker.stop();
  const without = await timed('without');
  // The machine may be busy; a wait for the worker would take far longer.
  expect(without).toBeLessThan(2 * withWorker + 1_000);
  expect(await stateOf('without', 'PENDING')).toBe(REQUESTS);
  expect([receiver.received.length, mails()]).toEqual([REQUESTS, BOOKINGS + 1]);
  expect((await get(api, '/healthz')).json).toMatchObject({ workers: 0, queue_depth: REQUESTS });

  await startDaybook({ role: 'worker', env });
  await eventually(() => expect([receiver.received.length, mails()]).toEqual([2 * REQUESTS, 2 * (BOOKINGS + 1)]), {
    timeoutMs: 60_000,
  });
  expect(await stateOf('without', 'COMPLETED')).toBe(REQUESTS);
  expect(receiver.received.map(({ json }) => json.request_id as string)).toEqual(completed);
}, 240_000);
