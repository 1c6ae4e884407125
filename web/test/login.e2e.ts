/** The dashboard with `AUTH=required`: login and logout, and a key that may only read. */
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VIEWS } from '../src/shell/navigation';
import { type Visitor, launchBrowser, settled, visit } from './support/browser';
import { type Daybook, call, createKey, startService } from './support/service';

let daybook: Daybook;
let browser: Browser;
let admin: string;
let reader: string;
let accountant: string;
let visitor: Visitor;
beforeAll(async () => {
  [daybook, browser] = await Promise.all([startService({ AUTH: 'required' }), launchBrowser()]);
  admin = await createKey(daybook, 'admin');
  reader = await createKey(daybook, 'reports:read');
  accountant = await createKey(daybook, 'books:read');
  const headers = { authorization: `Bearer ${admin}` };
  await call(daybook, 'POST', '/api/dev/seed', { customers: 5 }, headers);
  await call(daybook, 'POST', '/api/batch', { requests: [{ callback_url: null }, { callback_url: null }] }, headers);
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

const button = (name: string | RegExp): Locator => visitor.page.getByRole('button', { name, exact: true });

async function logIn(key: string, path = '/'): Promise<void> {
  await visitor.page.goto(path);
  await visitor.page.getByLabel('API key').fill(key);
  await visitor.page.keyboard.press('Enter');
  await visitor.page.getByRole('button', { name: 'Log out' }).waitFor();
  await settled(visitor.page);
}

describe('with AUTH=required', () => {
  it('asks for a key, shows the view of the address, and asks again after the logout', async () => {
    await logIn(admin, '/app/requests?status=COMPLETED');
    await visitor.page.getByRole('heading', { level: 1, name: 'Requests' }).waitFor();
    expect(visitor.page.url()).toContain('status=COMPLETED');
    // The key is in no place that a script can read.
    const stored = await visitor.page.evaluate(() =>
      [localStorage, sessionStorage, document.cookie].map((one) => JSON.stringify(one)).join(),
    );
    expect(stored).not.toContain('dbk_');
    await visitor.page.reload();
    await visitor.click(button('Log out'));
    await visitor.page.getByLabel('API key').waitFor();
    await visitor.page.reload();
    await visitor.page.getByLabel('API key').waitFor();
  });

  it('says that a key is wrong', async () => {
    await visitor.page.goto('/');
    await visitor.page.getByLabel('API key').fill('dbk_wrong');
    await visitor.click(button('Log in'));
    await visitor.page.getByRole('alert').waitFor();
    expect(visitor.problems.filter((problem) => !problem.includes('401'))).toEqual([]);
    visitor.problems.length = 0;
  });

  it('logs in an organizer with an email address and a password', async () => {
    const person = { name: 'Ada', email: 'ada@users.example', password: 'correct horse battery', role: 'organizer' };
    await call(daybook, 'POST', '/api/auth/register', person);
    await visitor.page.goto('/app/tickets');
    await visitor.click(button('Log in with an email address'));
    await visitor.page.getByLabel('Email address').fill(person.email);
    await visitor.page.getByLabel('Password').fill(person.password);
    await visitor.click(button('Log in'));
    await visitor.page.getByRole('heading', { level: 1, name: 'Tickets' }).waitFor();
    await visitor.page.getByText('Ada', { exact: true }).waitFor();
    await settled(visitor.page);
  });

  it('offers an administrator every view', async () => {
    await logIn(admin);
    const links = visitor.page.getByRole('navigation', { name: 'Views' }).getByRole('link');
    expect(await links.allTextContents()).toEqual(VIEWS.map(({ title }) => title));
  });

  it('offers a key that may only read reports no view and no button that would be refused', async () => {
    await logIn(reader);
    const links = visitor.page.getByRole('navigation', { name: 'Views' }).getByRole('link');
    const allowed = VIEWS.filter(({ needs }) => needs === null || needs === 'reports:read');
    expect(await links.allTextContents()).toEqual(allowed.map(({ title }) => title));
    await tryViews();
  });

  it('offers a key that may only read the books no button that would be refused, in any of their parts', async () => {
    await logIn(accountant);
    const links = visitor.page.getByRole('navigation', { name: 'Views' }).getByRole('link');
    expect(await links.allTextContents()).toContain('Books');
    await tryViews();
  });
});

/** Tries every view, with all its tabs, and every kind of single thing that the caller can open. */
async function tryViews(): Promise<void> {
  for (const { path, needs } of VIEWS) {
    await visitor.open(path);
    const isRefused = (await visitor.page.getByText('You may not see this view').count()) > 0;
    if (needs === null) expect([path, isRefused]).toEqual([path, false]);
    const tabs = await hrefs('main nav a');
    const rows = await hrefs('main table a');
    for (const shown of [path, ...tabs, ...rows.slice(0, 1)]) {
      await visitor.open(shown);
      await tryButtons(shown);
    }
  }
}

const hrefs = (selector: string): Promise<string[]> =>
  visitor.page.locator(selector).evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));

/** These act on the page, or need no scope. */
const HARMLESS = /^(Log out|Log in|Register|Copy.*|Menu|Close.*)$/;

/** Clicks every button of a view. None may lead to a call that is refused, nor to a dialog that would. */
async function tryButtons(path: string): Promise<void> {
  const { page } = visitor;
  const inDialogs = '[role=dialog] button, [role=alertdialog] button';
  const names = await enabledButtons('main button');
  expect([path, await enabledButtons(inDialogs)]).toEqual([path, []]);
  // A dialog is over the buttons of the view, which is tried without it.
  if ((await page.getByRole('dialog').count()) > 0) return;
  for (const name of names) {
    await visitor.open(path);
    await page.getByRole('main').getByRole('button', { name, exact: true, includeHidden: true }).first().click();
    expect([path, name, await enabledButtons(inDialogs)]).toEqual([path, name, []]);
  }
}

/** @returns The names of the buttons that may do more than change the page. */
async function enabledButtons(selector: string): Promise<string[]> {
  const names = await visitor.page
    .locator(selector)
    .evaluateAll((buttons) =>
      buttons
        .filter((one) => !(one as HTMLButtonElement).disabled)
        .map((one) => one.getAttribute('aria-label') ?? one.textContent ?? ''),
    );
  return names.filter((name) => !HARMLESS.test(name));
}
