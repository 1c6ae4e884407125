/** Destinations that fail, and redeliveries that take long: breakers, disabled URLs, and cancelling. */
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { type Receiver, startReceiver } from '../../test/support/receiver.js';
import { type Visitor, launchBrowser, visit } from './support/browser';
import { type Daybook, call, startService } from './support/service';

/** More failures in a row than a breaker takes. */
const MANY = 12;

let daybook: Daybook;
let browser: Browser;
let receiver: Receiver;
let visitor: Visitor;
beforeAll(async () => {
  const slowly = { CALLBACK_REDELIVERY_RATE: '1/60s' };
  [daybook, browser] = await Promise.all([startService({ CALLBACK_ALLOW: '127.0.0.1', ...slowly }), launchBrowser()]);
});
beforeEach(async () => {
  [visitor, receiver] = await Promise.all([visit(browser, daybook.url), startReceiver()]);
});
afterEach(async () => {
  const { problems } = visitor;
  await Promise.all([visitor.close(), receiver.close()]);
  expect(problems.join('\n')).toBe('');
});
afterAll(() => browser?.close());

const button = (name: string | RegExp): Locator => visitor.page.getByRole('button', { name });
const destinations = (): Locator =>
  visitor.page.getByRole('region', { name: 'Destinations with failures', exact: true });
const row = (): Locator => destinations().getByRole('row', { name: new RegExp(`:${receiver.port}`) });

/** Submits reports whose callbacks go to the receiver, each in a lane of its own. @returns Their ids. */
async function submit(count: number): Promise<string[]> {
  const request = { report: 'digest', payload: { input_data: 'x', iterations: 1 }, callback_url: receiver.url };
  const requests = Array.from({ length: count }, (_, index) => ({ ...request, lane: `${receiver.port}-${index}` }));
  const answer = await call<{ requests: { request_id: string }[] }>(daybook, 'POST', '/api/batch', { requests });
  return answer.requests.map(({ request_id }) => request_id);
}

const untilCallbacks = (ids: string[], status: string): Promise<unknown> =>
  eventually(
    async () => {
      for (const id of ids)
        expect(await call(daybook, 'GET', `/api/requests/${id}`)).toMatchObject({ callback_status: status });
    },
    { timeoutMs: 60_000 },
  );

describe('Callbacks', () => {
  it('shows a breaker that opens, and closes when the destination answers again', async () => {
    receiver.answer({ status: 500 });
    await visitor.open('/app/callbacks');
    const ids = await submit(MANY);
    await row().getByText('open', { exact: true }).waitFor();
    receiver.answer({ status: 200 });
    await row().getByText('open', { exact: true }).waitFor({ state: 'detached', timeout: 60_000 });
    await destinations().getByText('closed', { exact: true }).first().waitFor();
    await untilCallbacks(ids, 'SUCCESS');
  });

  it('enables a URL again that was gone', async () => {
    receiver.answer({ status: 410 });
    const [id] = await submit(1);
    await untilCallbacks([id!], 'FAILED');
    receiver.answer({ status: 200 });
    await visitor.open('/app/callbacks');
    const enable = button(new RegExp(`^Enable ${receiver.url}`));
    await visitor.click(enable);
    await visitor.page.getByText('The URL gets callbacks again').waitFor();
    await enable.waitFor({ state: 'detached' });
    expect(visitor.clicks).toBe(1);
    await untilCallbacks(await submit(1), 'SUCCESS');
  });

  it('cancels a bulk redelivery that runs, and leaves the rest as it is', async () => {
    receiver.answer({ status: 400 });
    const ids = await submit(3);
    await untilCallbacks(ids, 'FAILED');
    await visitor.open(`/app/callbacks?status=FAILED&destination=${encodeURIComponent(receiver.url)}`);
    await visitor.click(button('Redeliver these'));
    await visitor.click(button('Redeliver 3'));
    const jobs = visitor.page.getByRole('table', { name: 'Bulk redeliveries, newest first' });
    await jobs.getByText('running', { exact: true }).waitFor();
    await visitor.click(jobs.getByRole('button', { name: 'Cancel' }));
    await visitor.click(button('Cancel it'));
    await jobs.getByText('cancelled', { exact: true }).waitFor();
    expect(visitor.clicks).toBe(4);
    const { redeliveries } = await call<{ redeliveries: { status: string; redelivered: number }[] }>(
      daybook,
      'GET',
      '/api/callbacks/redeliveries',
    );
    expect(redeliveries[0]).toMatchObject({ status: 'cancelled', matched: 3 });
    expect(redeliveries[0]!.redelivered).toBeLessThan(3);
  });
});
