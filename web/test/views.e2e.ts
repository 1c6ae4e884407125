/** Every view: an empty console, no failed or foreign request, WCAG 2.2 AA in both themes, and no sideways scrolling. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VIEWS } from '../src/shell/navigation';
import { type Visitor, launchBrowser, visit } from './support/browser';
import { type Daybook, call, startService } from './support/service';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const SCREENS = [
  { name: 'light, 1280 px', colorScheme: 'light', width: 1280 },
  { name: 'dark, 1280 px', colorScheme: 'dark', width: 1280 },
  { name: 'light, 360 px', colorScheme: 'light', width: 360 },
] as const;

const PAGES = [
  ...VIEWS,
  { path: '/app/callbacks?tab=try', title: 'Callbacks' },
  { path: '/app/callbacks?tab=secrets', title: 'Callbacks' },
  { path: '/app/callbacks?status=all', title: 'Callbacks' },
  { path: '/app/requests?status=COMPLETED', title: 'Requests' },
  { path: '/app/books?tab=customers', title: 'Books' },
  { path: '/app/books?tab=summary', title: 'Books' },
  { path: '/app/books?tab=journal', title: 'Books' },
  { path: '/app/books?tab=balances', title: 'Books' },
  { path: '/app/books?tab=periods', title: 'Books' },
  { path: '/app/books?tab=import', title: 'Books' },
  { path: '/app/system?tab=settings', title: 'System' },
  { path: '/app/system?tab=actions', title: 'System' },
];

let daybook: Daybook;
let browser: Browser;
beforeAll(async () => {
  [daybook, browser] = await Promise.all([startService(), launchBrowser()]);
  await addDemoData(daybook);
});
afterAll(() => browser?.close());

/** A few rows in every list. */
async function addDemoData(service: Daybook): Promise<void> {
  await call(service, 'POST', '/api/dev/seed', { customers: 10, orders_per_customer: 3 });
  const callback_url = `${service.url}/api/callbacks/receive`;
  await call(service, 'POST', '/api/callbacks/simulate-failures', { enabled: false });
  for (const lane of ['default', 'monthly'])
    await call(service, 'POST', '/api/async', {
      report: 'transactions',
      payload: { num_transactions: 20 },
      lane,
      callback_url,
    });
  await call(service, 'POST', '/api/sync', { report: 'digest', payload: { input_data: 'x' } });
  const { token } = await call<{ token: string }>(service, 'POST', '/api/auth/register', {
    name: 'Ada',
    email: 'ada@users.example',
    password: 'correct horse battery',
    role: 'organizer',
  });
  const event = {
    title: 'Concert',
    description: 'Music',
    date: '2099-01-01T20:00:00Z',
    location: 'Hall',
    total_tickets: 50,
    price_cents: 2_500,
  };
  await call(service, 'POST', '/api/events', event, { authorization: `Bearer ${token}` });
}

describe.each(SCREENS)('in $name', ({ colorScheme, width }) => {
  let visitor: Visitor;
  beforeAll(async () => {
    visitor = await visit(browser, daybook.url, { colorScheme, viewport: { width, height: 900 } });
  });
  afterAll(() => visitor?.close());

  it.each(PAGES)('$path is accessible, quiet and fits', async ({ path, title }) => {
    await visitor.open(path);
    const { page, problems } = visitor;
    expect(await page.title()).toBe(`${title} · Daybook`);
    const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
    );
    expect(found).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(problems.join('\n')).toBe('');
  });
});
