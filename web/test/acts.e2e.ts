/** The main acts of the views, as a visitor of a fresh start does them, counted in clicks. */
import { readFile } from 'node:fs/promises';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { type Receiver, startReceiver } from '../../test/support/receiver.js';
import { type Visitor, launchBrowser, visit } from './support/browser';
import { type Daybook, call, startService } from './support/service';

const REPORT = { report: 'digest', payload: { input_data: 'x' } };

let daybook: Daybook;
let browser: Browser;
let receiver: Receiver;
let visitor: Visitor;
beforeAll(async () => {
  [daybook, browser, receiver] = await Promise.all([
    startService({ CALLBACK_ALLOW: '127.0.0.1' }),
    launchBrowser(),
    startReceiver(),
  ]);
});
beforeEach(async () => {
  visitor = await visit(browser, daybook.url);
});
afterEach(async () => {
  const { problems } = visitor;
  await visitor.close();
  expect(problems.join('\n')).toBe('');
});
afterAll(() => browser?.close());

const button = (name: string | RegExp): Locator => visitor.page.getByRole('button', { name });
const link = (name: string | RegExp): Locator => visitor.page.getByRole('link', { name });
/** A view in the navigation. */
const view = (name: string): Locator =>
  visitor.page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true });
const dialog = (): Locator => visitor.page.getByRole('dialog');

/** Waits until a request is over. */
const ended = (id: string): Promise<Record<string, unknown>> =>
  eventually(async () => {
    const request = await call(daybook, 'GET', `/api/requests/${id}`);
    return request['completed_at'] !== null && request['callback_status'] !== 'PENDING' && request;
  });

async function submit(body: object): Promise<string> {
  const { request_id } = await call<{ request_id: string }>(daybook, 'POST', '/api/async', { ...REPORT, ...body });
  return request_id;
}

describe('a visitor', () => {
  it('makes a report and downloads it in 2 clicks', async () => {
    await visitor.open('/');
    await visitor.click(button('Make a report').first());
    const [download] = await Promise.all([
      visitor.page.waitForEvent('download'),
      visitor.click(link('Download').first()),
    ]);
    expect(visitor.clicks).toBeLessThanOrEqual(2);
    expect(download.suggestedFilename()).toMatch(/\.csv$/);
    expect(await readFile(await download.path(), 'utf8')).toMatch(/^# Report/);
  });

  it('sees a callback fail, retry and arrive in up to 6 clicks', async () => {
    await visitor.open('/');
    await visitor.click(view('Callbacks'));
    await visitor.click(link('Try it'));
    await visitor.click(button('Send one that fails first'));
    const course = visitor.page.getByRole('list', { name: 'What happened to the callback' });
    await course.getByText('failed', { exact: true }).waitFor();
    await course.getByText('arrived', { exact: true }).waitFor();
    const inbox = visitor.page.getByRole('table', { name: 'Callbacks that the demo receiver got' });
    await inbox.getByText('valid', { exact: true }).first().waitFor();
    expect(visitor.clicks).toBeLessThanOrEqual(6);
    // The demo receiver fails only while it should.
    await visitor.page.getByText('Every callback gets a 200').waitFor();
  });

  it('redelivers all dead callbacks in up to 5 clicks', async () => {
    receiver.answer({ status: 400 });
    const dead = await Promise.all(
      [1, 2, 3].map((lane) => submit({ lane: `dead-${lane}`, callback_url: receiver.url })),
    );
    for (const id of dead) expect(await ended(id)).toMatchObject({ callback_status: 'FAILED' });
    receiver.answer({ status: 200 });
    const before = receiver.received.length;
    await visitor.open('/');
    await visitor.click(view('Callbacks'));
    await visitor.click(button('Redeliver all dead (3)'));
    await visitor.click(button('Redeliver 3'));
    await button('No dead callbacks').waitFor();
    expect(visitor.clicks).toBeLessThanOrEqual(5);
    await eventually(() => receiver.received.length === before + 3);
    for (const id of dead) expect(await ended(id)).toMatchObject({ callback_status: 'SUCCESS' });
  });

  it('runs the load test in 2 clicks', async () => {
    await visitor.open('/');
    await visitor.click(view('Load test'));
    await visitor.click(button('Run the load test'));
    await button('Export JSON').waitFor({ timeout: 80_000 });
    expect(visitor.clicks).toBe(2);
    await visitor.page.getByText('completed', { exact: true }).first().waitFor();
    // The charts: percentiles as bars, and the latency over time.
    const chart = visitor.page.getByRole('figure').getByRole('img', { name: /^Latency|median/ });
    await chart.locator('canvas').waitFor();
  });

  it('finds a request, reads its timeline, and sends it again with another body', async () => {
    const id = await submit({ lane: 'find-me', callback_url: null });
    await ended(id);
    await visitor.open('/app/requests');
    await visitor.page.getByRole('searchbox').fill(id);
    await visitor.page.waitForURL(`**/app/requests?*q=${id}*`);
    await visitor.click(visitor.page.getByRole('table').getByRole('link'));
    await visitor.page.waitForURL(`**/app/requests/${id}`);
    await visitor.page.getByText('Accepted').first().waitFor();
    await visitor.click(button('Edit and send again'));
    await dialog()
      .getByLabel('Body')
      .fill(JSON.stringify({ ...REPORT, lane: 'again', callback_url: null }));
    await visitor.click(dialog().getByRole('button', { name: 'Send', exact: true }));
    await visitor.page.waitForURL((url) => !url.pathname.endsWith(id));
    expect(visitor.clicks).toBe(3);
    const again = visitor.page.url().split('/').at(-1)!;
    expect(await ended(again)).toMatchObject({ lane: 'again', status: 'COMPLETED' });
  });

  it('deletes the requests of a lane, after their number was shown', async () => {
    for (let count = 0; count < 3; count += 1) await ended(await submit({ lane: 'delete-me', callback_url: null }));
    await visitor.open('/app/requests?lane=delete-me');
    await visitor.click(button('Change all that match'));
    await visitor.click(dialog().getByRole('radio', { name: /^Delete/ }));
    await visitor.click(dialog().getByRole('button', { name: 'Delete 3 requests' }));
    await eventually(async () => {
      const left = await call<{ requests: unknown[] }>(daybook, 'GET', '/api/requests?lane=delete-me');
      expect(left.requests).toEqual([]);
    });
    await button('Change more').waitFor();
  });

  it('adds demo data to the books, and pays an order', async () => {
    await visitor.open('/app/books');
    await visitor.click(button(/^Add 100 customers/));
    const orders = visitor.page.getByRole('table', { name: 'Orders' });
    await orders.waitFor();
    await visitor.open('/app/books?status=draft');
    await visitor.click(orders.getByRole('link').first());
    await visitor.click(dialog().getByRole('button', { name: /^Pay / }));
    await visitor.click(visitor.page.getByRole('alertdialog').getByRole('button', { name: 'Pay', exact: true }));
    await dialog().getByText('paid', { exact: true }).waitFor();
    expect(visitor.clicks).toBe(4);
    const id = new URL(visitor.page.url()).searchParams.get('id')!;
    expect(await call(daybook, 'GET', `/api/orders/${id}`)).toMatchObject({ status: 'paid' });
  });

  it('edits a draft, and is told when another caller has changed it meanwhile', async () => {
    const email = 'edit@customers.example';
    const { id: customer_id } = await call(daybook, 'POST', '/api/customers', { email, name: 'Eve' });
    const items = [{ sku: 'A-1', quantity: 2, unit_price_cents: 1_250 }];
    const { id } = await call(daybook, 'POST', '/api/orders', { customer_id, currency: 'EUR', items });
    const order = () => call(daybook, 'GET', `/api/orders/${String(id)}`);
    await visitor.open(`/app/books?id=${String(id)}`);
    await visitor.click(dialog().getByRole('button', { name: 'Edit' }));
    await dialog().getByLabel('Price').fill('13.00');
    await dialog().getByLabel('Reference').fill('edited');
    await visitor.click(dialog().getByRole('button', { name: 'Save the changes' }));
    await dialog().getByText('edited', { exact: true }).waitFor();
    expect(visitor.clicks).toBe(2);
    expect(await order()).toMatchObject({ total_cents: 2_600, external_ref: 'edited', currency: 'EUR' });

    await visitor.click(dialog().getByRole('button', { name: 'Edit' }));
    await call(daybook, 'PATCH', `/api/orders/${String(id)}`, { items: [{ ...items[0], quantity: 5 }] });
    await dialog().getByLabel('Price').fill('99.00');
    await visitor.click(dialog().getByRole('button', { name: 'Save the changes' }));
    await dialog().getByText('Someone else has changed this order since you opened it.').waitFor();
    expect(await order()).toMatchObject({ total_cents: 6_250 });
    await visitor.click(dialog().getByRole('button', { name: 'Load it again' }));
    await eventually(async () => (await dialog().getByLabel('Quantity').inputValue()) === '5');
    await dialog().getByLabel('Price').fill('10.00');
    await visitor.click(dialog().getByRole('button', { name: 'Save the changes' }));
    await dialog().getByRole('button', { name: 'Edit' }).waitFor();
    expect(await order()).toMatchObject({ total_cents: 5_000 });
    expect(visitor.problems.filter((problem) => !problem.includes('412'))).toEqual([]);
    visitor.problems.length = 0;
  });

  it('shows a trial balance that the books agree with, and downloads it', async () => {
    const debit = { ledger_account: 'assets:cash', currency: 'EUR', amount_cents: 12_345 };
    const credit = { ...debit, ledger_account: 'income:other', amount_cents: -12_345 };
    await call(daybook, 'POST', '/api/journal/entries', {
      effective_at: new Date().toISOString(),
      memo: 'A sale',
      lines: [debit, credit],
    });
    await visitor.open('/app/books?tab=statements');
    await visitor.page.getByLabel('Currency').selectOption('EUR');
    await visitor.page.getByLabel('To').fill(new Date().toISOString());
    await visitor.click(button('Show'));
    const table = visitor.page.getByRole('table', { name: 'Trial balance in EUR' });
    await table.waitFor();
    const rows = await table.getByRole('row').allInnerTexts();
    expect(rows.map((row) => row.split(/\s+/).slice(0, 6).join(' '))).toEqual([
      'Ledger account Opening Debits Credits Net',
      'assets:cash €0.00 €123.45 €0.00 €123.45 €123.45',
      'income:other €0.00 €0.00 €123.45 -€123.45 -€123.45',
      'Total €0.00 €123.45 €123.45 €0.00 €0.00',
    ]);
    const [download] = await Promise.all([
      visitor.page.waitForEvent('download'),
      visitor.click(button('Download as CSV')),
    ]);
    expect(await readFile(await download.path(), 'utf8')).toMatch(
      /^ledger_account,.*\r?\nassets:cash,EUR,0\.00,123\.45,/m,
    );
    expect(visitor.clicks).toBe(2);
    // The link shows the same, without another request.
    await visitor.open(visitor.page.url());
    await table.waitFor();
  });

  it('creates a schedule, runs it now, and sees its request', async () => {
    await visitor.open('/');
    await visitor.click(view('Schedules'));
    await visitor.click(link('New schedule'));
    await visitor.page.getByLabel('Name').fill('Balances of the month');
    await visitor.page.getByLabel('Lane').fill('monthly');
    await visitor.click(button('Create the schedule'));
    await dialog().getByRole('region', { name: 'Next runs' }).waitFor();
    expect(await dialog().getByRole('region', { name: 'Next runs' }).getByRole('listitem').count()).toBe(5);
    await visitor.click(dialog().getByRole('button', { name: 'Run now: Balances of the month' }));
    const runs = dialog().getByRole('table', { name: 'Runs' });
    await runs.getByText('completed').waitFor();
    await visitor.click(runs.getByRole('link'));
    await visitor.page.getByRole('heading', { level: 1, name: 'Request: trial-balance' }).waitFor();
    expect(visitor.clicks).toBe(5);
    const id = visitor.page.url().split('/').at(-1)!;
    expect(await ended(id)).toMatchObject({ lane: 'monthly', status: 'COMPLETED' });
  });

  it('publishes an event as an organizer, and books it and cancels as a customer', async () => {
    const fill = (label: string, text: string): Promise<void> => dialog().getByLabel(label).fill(text);
    const register = async (role: 'organizer' | 'customer', name: string): Promise<void> => {
      await visitor.click(button('Register'));
      await dialog().getByLabel('Role').selectOption(role);
      await fill('Name', name);
      await fill('Email address', `${role}@users.example`);
      await fill('Password', 'correct horse battery');
      await visitor.click(dialog().getByRole('button', { name: 'Register' }));
      await visitor.page.getByText(name, { exact: true }).first().waitFor();
    };
    await visitor.open('/app/tickets');
    await register('organizer', 'Ada');
    await visitor.click(link('Your events'));
    await visitor.click(button('New event'));
    await fill('Title', 'Concert in the park');
    await fill('Begins', '2099-06-01T20:00');
    await fill('Location', 'Park');
    await fill('Price of a ticket', '25.00');
    await visitor.click(dialog().getByRole('button', { name: 'Publish the event' }));
    await visitor.page.getByRole('dialog', { name: 'Concert in the park' }).waitFor();
    await visitor.click(dialog().getByRole('button', { name: 'Close' }));
    await visitor.click(button('Log out'));

    await visitor.open('/app/tickets');
    await register('customer', 'Ben');
    await visitor.click(link('Concert in the park'));
    await fill('Tickets', '2');
    await visitor.click(dialog().getByRole('button', { name: 'Book for $50.00' }));
    await visitor.page.getByText('2 tickets, $50.00').waitFor();
    await visitor.click(dialog().getByRole('button', { name: 'Close' }));
    await visitor.click(link('Your bookings'));
    const bookings = visitor.page.getByRole('table', { name: 'Your bookings' });
    await bookings.getByText('confirmed', { exact: true }).waitFor();
    const sold = async (): Promise<unknown[]> => {
      const { events } = await call<{ events: { title: string; tickets_sold: number }[] }>(
        daybook,
        'GET',
        '/api/events',
      );
      return events.map(({ title, tickets_sold }) => [title, tickets_sold]);
    };
    expect(await sold()).toEqual([['Concert in the park', 2]]);
    await visitor.click(button('Cancel the booking of Concert in the park'));
    await visitor.click(button('Cancel the booking'));
    await bookings.getByText('cancelled', { exact: true }).waitFor();
    expect(await sold()).toEqual([['Concert in the park', 0]]);
  });
});

describe('the keyboard', () => {
  it('lists the shortcuts with ?, opens a view with g and its letter, and skips the navigation', async () => {
    const { page } = visitor;
    await visitor.open('/');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.getByRole('heading', { level: 1, name: 'Requests' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
    await visitor.open('/app/callbacks');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    expect(visitor.clicks).toBe(0);
  });
});

describe('a view that does not exist', () => {
  it('says so, and leads back', async () => {
    await visitor.open('/app/nowhere');
    await visitor.page.getByText('There is no such view').waitFor();
    await visitor.click(view('Home'));
    await button('Make a report').first().waitFor();
  });
});
