/** Acts of an engineer who tries the promises, and of an operator: Generate, Queue, Mail and System. */
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Visitor, launchBrowser, visit } from './support/browser';
import { type Daybook, call, startService } from './support/service';

let daybook: Daybook;
let browser: Browser;
let visitor: Visitor;
beforeAll(async () => {
  // A burst meets the limit soon, and the window frees up while the test waits.
  [daybook, browser] = await Promise.all([startService({ RATE_LIMIT_ASYNC: '8/3s' }), launchBrowser()]);
});
beforeEach(async () => {
  visitor = await visit(browser, daybook.url);
});
afterEach(() => visitor.close());
afterAll(() => browser?.close());

const button = (name: string | RegExp): Locator => visitor.page.getByRole('button', { name });
const panel = (name: string): Locator => visitor.page.getByRole('region', { name, exact: true });
const text = (words: string | RegExp): Locator => visitor.page.getByText(words).first();

describe('Generate', () => {
  it('makes a report in both ways, and offers both files', async () => {
    await visitor.open('/app/generate');
    await visitor.click(button('Fill in a quick one'));
    await visitor.click(button('Make it in both ways'));
    await panel('Sync').getByRole('link', { name: 'Download' }).waitFor();
    await panel('Async').getByRole('link', { name: 'Download' }).waitFor();
    expect(visitor.clicks).toBe(2);
    expect(visitor.problems.join('\n')).toBe('');
  });

  it('sends the same key twice, and gets the same bytes', async () => {
    await visitor.open('/app/generate');
    await visitor.click(button('Send it twice'));
    await text('Both answers are the same, byte for byte: one report, not two.').waitFor();
    expect(visitor.problems.join('\n')).toBe('');
  });

  it('tries callback URLs that reach into the network, and each is refused', async () => {
    await visitor.open('/app/generate');
    await visitor.click(button('Try all of them'));
    await visitor.page.getByText('refused 400').nth(6).waitFor();
    expect(await visitor.page.getByText(/^accepted 202/).count()).toBe(0);
  });

  it('bursts until 429, and gets one through when the window frees up', async () => {
    await visitor.open('/app/generate');
    await visitor.click(button('Start the burst'));
    await text('The window has room again, and one got through.').waitFor();
    expect(visitor.problems.filter((problem) => problem.startsWith('429'))).not.toEqual([]);
  });
});

describe('Queue', () => {
  it('shows a paused lane with its requests in order, and they run when it is resumed', async () => {
    await call(daybook, 'POST', '/api/lanes/tracks/pause');
    const item = { report: 'digest', payload: { input_data: 'x', iterations: 1 }, lane: 'tracks', callback_url: null };
    await call(daybook, 'POST', '/api/batch', { requests: [item, item, item] });
    await visitor.open('/app/queue');
    const lane = panel('tracks');
    for (const position of ['#1', '#2', '#3']) await lane.getByText(position, { exact: true }).waitFor();
    await visitor.click(button('Resume lane tracks'));
    await lane.waitFor({ state: 'detached' });
    const { requests } = await call<{ requests: { status: string }[] }>(daybook, 'GET', '/api/requests?lane=tracks');
    expect(requests.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    expect(visitor.problems.join('\n')).toBe('');
  });
});

describe('Mail', () => {
  it('shows the message of a booking, with its text', async () => {
    const register = (role: string) =>
      call<{ token: string }>(daybook, 'POST', '/api/auth/register', {
        name: 'Ada',
        email: `${role}@users.example`,
        password: 'correct horse battery',
        role,
      });
    const [organizer, customer] = [await register('organizer'), await register('customer')];
    const as = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });
    const event = { title: 'Gala', date: '2099-01-01T20:00:00Z', location: 'Hall', total_tickets: 5, price_cents: 100 };
    const { id } = await call(daybook, 'POST', '/api/events', event, as(organizer));
    await call(daybook, 'POST', '/api/bookings', { event_id: id, num_tickets: 2 }, as(customer));
    await visitor.open('/app/mail');
    await text('No mail server is set.').waitFor();
    await visitor.click(visitor.page.getByRole('table', { name: 'Messages' }).getByRole('link').first());
    await visitor.page.getByRole('dialog').getByText('customer@users.example').first().waitFor();
    await visitor.page.getByRole('dialog').getByText(/Gala/).first().waitFor();
    // A retry would keep it again.
    await visitor.page.getByText('It can be sent once SMTP_URL is set.').waitFor();
    expect(await button('Retry').count()).toBe(0);
    expect(visitor.problems.join('\n')).toBe('');
  });
});

describe('System', () => {
  it('shows dependencies, settings without secrets, and who changed what', async () => {
    await call(daybook, 'POST', '/api/lanes/audited/pause');
    await visitor.open('/app/system');
    await visitor.page.getByRole('table', { name: 'State of each dependency' }).waitFor();
    await visitor.click(visitor.page.getByRole('link', { name: 'Settings' }));
    await visitor.page
      .getByRole('row', { name: /RATE_LIMIT_ASYNC/ })
      .getByText('8/3s')
      .waitFor();
    await visitor.click(visitor.page.getByRole('link', { name: 'Action log' }));
    const row = visitor.page.getByRole('row', { name: /lane\.pause/ }).first();
    await row.getByText('audited').waitFor();
    expect(visitor.clicks).toBe(2);
    expect(visitor.problems.join('\n')).toBe('');
  });
});
