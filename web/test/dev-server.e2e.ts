/** `npm run dev:web`: Vite's server of the dashboard, with the API behind it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.js';
import { eventually } from '../../test/support/eventually.js';
import { type Visitor, launchBrowser, settled, visit } from './support/browser';
import { type Daybook, call, createKey, startService } from './support/service';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITE = fileURLToPath(new URL('../../node_modules/vite/bin/vite.js', import.meta.url));

interface DevServer {
  url: string;
  process: ChildProcess;
  exit: Promise<unknown[]>;
}

async function startVite(api: string): Promise<DevServer> {
  const port = String(await freePort());
  const child = spawn(process.execPath, [VITE, 'web', '--port', port, '--strictPort'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], DAYBOOK_URL: api },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const url = `http://localhost:${port}`;
  await eventually(() => fetch(`${url}/app/`).then(({ ok }) => ok), { timeoutMs: 60_000 });
  return { url, process: child, exit: once(child, 'exit') };
}

let daybook: Daybook;
let vite: DevServer;
let browser: Browser;
let visitor: Visitor;
beforeAll(async () => {
  [daybook, browser] = await Promise.all([startService({ AUTH: 'required' }), launchBrowser()]);
  vite = await startVite(daybook.url);
});
beforeEach(async () => {
  visitor = await visit(browser, vite.url);
});
afterEach(async () => {
  const { problems } = visitor;
  await visitor.close();
  const chatter = /^console (?:debug: \[vite\]|info: %cDownload the React DevTools)/;
  expect(problems.filter((problem) => !chatter.test(problem)).join('\n')).toBe('');
});
afterAll(async () => {
  vite?.process.kill();
  await browser?.close();
});

const button = (name: string): Locator => visitor.page.getByRole('button', { name, exact: true });

async function logIn(key: string, path: string): Promise<void> {
  await visitor.page.goto(path);
  await visitor.page.getByLabel('API key').fill(key);
  await visitor.click(button('Log in'));
  await button('Log out').waitFor();
}

describe('npm run dev:web', () => {
  it('shows Home at /, /app and /app/', async () => {
    await logIn(await createKey(daybook, 'admin'), '/app/');
    for (const path of ['/', '/app', '/app/']) {
      await visitor.open(path);
      await visitor.page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
      expect(new URL(visitor.page.url()).pathname).toBe('/');
    }
  });

  it('passes on writes with the cookie of a session, the live stream, and files', async () => {
    const key = await createKey(daybook, 'admin');
    await logIn(key, '/app/requests');
    await visitor.page.getByText('Live', { exact: true }).waitFor();
    // Comes by the stream: the list itself is read once.
    const request = { report: 'digest', payload: { input_data: 'x' }, lane: 'by-stream', callback_url: null };
    await call(daybook, 'POST', '/api/async', request, { authorization: `Bearer ${key}` });
    await visitor.page
      .getByRole('row', { name: /by-stream/ })
      .getByText('completed')
      .waitFor();
    await visitor.open('/');
    await visitor.click(button('Make a report').first());
    const [download] = await Promise.all([
      visitor.page.waitForEvent('download'),
      visitor.click(visitor.page.getByRole('link', { name: 'Download' }).first()),
    ]);
    expect(download.suggestedFilename()).toMatch(/\.csv$/);
    await visitor.click(button('Log out'));
    await visitor.page.getByLabel('API key').waitFor();
  });

  it('logs in a user', async () => {
    const person = { name: 'Ada', email: 'ada@users.example', password: 'correct horse battery', role: 'organizer' };
    await call(daybook, 'POST', '/api/auth/register', person);
    await visitor.page.goto('/app/tickets');
    await visitor.click(button('Log in with an email address'));
    await visitor.page.getByLabel('Email address').fill(person.email);
    await visitor.page.getByLabel('Password').fill(person.password);
    await visitor.click(button('Log in'));
    await visitor.page.getByText('Ada', { exact: true }).waitFor();
    await settled(visitor.page);
  });

  it('refuses a write of another origin through the proxy', async () => {
    const { status } = await fetch(`${vite.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://evil.example' },
      body: '{"api_key":"dbk_x"}',
    });
    expect(status).toBe(403);
  });

  it('ends with ctrl-C while a live stream is open', async () => {
    const key = await createKey(daybook, 'reports:read');
    const controller = new AbortController();
    const headers = { authorization: `Bearer ${key}`, accept: 'text/event-stream' };
    const stream = await fetch(`${vite.url}/api/live`, { headers, signal: controller.signal });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    vite.process.kill('SIGINT');
    await vite.exit;
    await stream.text().catch(() => undefined);
    controller.abort();
    daybook.kill('SIGINT');
    expect(await daybook.exited).toBe(0);
  });
});
