/** Every view: an empty console, no failed or foreign request, WCAG 2.2 AA in both themes, and no sideways scrolling. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VIEWS } from '../src/shell/navigation';
import { type Visitor, launchBrowser, visit } from './support/browser';
import { type DemoIds, addDemoData, loginOf } from './support/demo-data';
import { type Daybook, createKey, startService } from './support/service';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const SCREENS = [
  { name: 'light, 1280 px', colorScheme: 'light', width: 1280 },
  { name: 'dark, 1280 px', colorScheme: 'dark', width: 1280 },
  { name: 'light, 360 px', colorScheme: 'light', width: 360 },
  { name: 'dark, 360 px', colorScheme: 'dark', width: 360 },
] as const;

/** `admin` is a key of an installation with `AUTH=required`; the others look at one with `AUTH=open`. */
const VIEWERS = ['anonymous', 'customer', 'organizer', 'admin'] as const;
type Viewer = (typeof VIEWERS)[number];

interface Shown {
  /** With the names of demo ids in braces. */
  path: string;
  title: string;
  /** A text that must be there. */
  text?: string;
}

const PAGES: Record<Viewer, Shown[]> = {
  anonymous: [
    ...VIEWS.filter(({ path }) => path !== '/app/load-test'),
    { path: '/app/callbacks?tab=try', title: 'Callbacks' },
    { path: '/app/callbacks?tab=secrets', title: 'Callbacks' },
    { path: '/app/callbacks?status=all', title: 'Callbacks' },
    { path: '/app/schedules', title: 'Schedules', text: 'MAX_STORAGE_ACCOUNT' },
    { path: '/app/schedules?id={schedule}', title: 'Schedules', text: 'Next runs' },
    { path: '/app/schedules?tab=new', title: 'Schedules', text: 'Create the schedule' },
    { path: '/app/generate?report=customer-statement', title: 'Generate', text: 'Through entry' },
    { path: '/app/requests?status=COMPLETED', title: 'Requests' },
    { path: '/app/requests/{pending}', title: 'Request: transactions', text: 'paused' },
    { path: '/app/requests/{failed}', title: 'Request: transactions', text: '400 failed' },
    { path: '/app/books?tab=customers', title: 'Books' },
    { path: '/app/books?tab=summary', title: 'Books' },
    { path: '/app/books?tab=journal', title: 'Books' },
    { path: '/app/books?tab=balances', title: 'Books' },
    { path: '/app/books?tab=periods', title: 'Books' },
    { path: '/app/books?tab=statements', title: 'Books', text: 'Through entry' },
    {
      path: '/app/books?tab=statements&report=account-statement&run={statement}',
      title: 'Books',
      text: 'Closing balance',
    },
    { path: '/app/books?tab=import', title: 'Books' },
    { path: '/app/load-test', title: 'Load test', text: 'shown above' },
    { path: '/app/system?tab=settings', title: 'System' },
    { path: '/app/system?tab=actions', title: 'System' },
  ],
  customer: [
    { path: '/app/tickets', title: 'Tickets', text: 'Concert' },
    { path: '/app/tickets?id={event}', title: 'Tickets', text: 'Book for' },
    { path: '/app/tickets?tab=bookings', title: 'Tickets', text: 'Concert' },
  ],
  organizer: [
    { path: '/app/tickets', title: 'Tickets', text: 'Concert' },
    { path: '/app/tickets?tab=own', title: 'Tickets', text: 'Concert' },
    { path: '/app/tickets?tab=own&id={event}', title: 'Tickets', text: 'Ben' },
    { path: '/app/tickets?tab=sales', title: 'Tickets', text: '3 of 50 tickets' },
  ],
  admin: [
    { path: '/app/system', title: 'System', text: 'Status' },
    { path: '/app/system?tab=settings', title: 'System', text: 'RATE_LIMIT_ASYNC' },
    { path: '/app/system?tab=keys', title: 'System', text: 'Create a key' },
    { path: '/app/system?tab=actions', title: 'System', text: 'Action log' },
  ],
};

/** Half-faded text would have too little contrast. */
const LOOK = { reducedMotion: 'reduce' } as const;

let open: Daybook;
let required: Daybook;
let browser: Browser;
let ids: DemoIds;
let admin: string;
beforeAll(async () => {
  [open, required, browser] = await Promise.all([
    startService({ CALLBACK_ALLOW: '127.0.0.1' }),
    startService({ AUTH: 'required' }),
    launchBrowser(),
  ]);
  [ids, admin] = [await addDemoData(open), await createKey(required, 'admin')];
});
afterAll(() => browser?.close());

async function logIn(page: Page, viewer: Exclude<Viewer, 'anonymous'>): Promise<void> {
  const data = viewer === 'admin' ? { api_key: admin } : loginOf(viewer);
  expect((await page.context().request.post('/api/session', { data })).status()).toBe(200);
}

/** @returns How far the open tab of the view is outside the screen, in pixels. */
const tabOutside = (page: Page): Promise<number> =>
  page.locator('main nav [aria-current=page]').evaluateAll((tabs) => {
    const beyond = tabs.map((tab) => {
      const { left, right } = tab.getBoundingClientRect();
      return Math.max(-left, right - document.documentElement.clientWidth, 0);
    });
    return Math.max(0, ...beyond);
  });

const CASES = SCREENS.flatMap(({ name, ...screen }) =>
  VIEWERS.map((viewer) => ({ name: `in ${name}, to ${viewer}`, viewer, screen })),
);

describe.each(CASES)('$name', ({ viewer, screen: { colorScheme, width } }) => {
  let visitor: Visitor;
  beforeAll(async () => {
    const { url } = viewer === 'admin' ? required : open;
    visitor = await visit(browser, url, { ...LOOK, colorScheme, viewport: { width, height: 900 } });
    if (viewer !== 'anonymous') await logIn(visitor.page, viewer);
  });
  afterAll(() => visitor?.close());

  it.each(PAGES[viewer])('$path is accessible, quiet and fits', async ({ path, title, text }) => {
    await visitor.open(path.replace(/\{(\w+)\}/, (_, name) => ids[name as keyof DemoIds]));
    const { page, problems } = visitor;
    if (text !== undefined) await page.getByText(text).first().waitFor();
    // Folded parts have to be accessible and fit as well.
    await page.locator('main details').evaluateAll((folded) => folded.forEach((one) => one.setAttribute('open', '')));
    expect(await page.title()).toBe(`${title} · Daybook`);
    const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
    );
    expect(found).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await tabOutside(page)).toBe(0);
    expect(problems.join('\n')).toBe('');
  });
});
