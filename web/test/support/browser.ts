import { type Browser, type BrowserContextOptions, type Locator, type Page, chromium } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** Without these, Chromium asks Google for updates. */
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** Starts Chromium. CI runs as root, as which it has no sandbox. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', ...QUIET],
  });

/** A person at the dashboard: a page, the clicks in it, and everything that went wrong. */
export interface Visitor {
  readonly page: Page;
  /** Clicks so far. */
  readonly clicks: number;
  click(target: Locator): Promise<void>;
  /** Opens a path and waits until the view is there and shows what it has read. */
  open(path: string): Promise<void>;
  /** Messages in the console, exceptions, requests to other hosts, failed requests, and answers of 400 or more. */
  readonly problems: string[];
  close(): Promise<void>;
}

const ACT_TIMEOUT_MS = 30_000;

/** Opens a page in a profile of its own. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options, baseURL: url });
  context.setDefaultTimeout(ACT_TIMEOUT_MS);
  const page = await context.newPage();
  let clicks = 0;
  return {
    page,
    problems: problemsOf(page, url),
    get clicks() {
      return clicks;
    },
    click: async (target) => {
      await target.click();
      clicks += 1;
    },
    open: async (path) => {
      await page.goto(path);
      await settled(page);
    },
    close: () => context.close(),
  };
}

/** Waits until the title of a view is there and nothing is loading. */
export async function settled(page: Page): Promise<void> {
  // Hidden, as far as roles are concerned, under an open dialog.
  await page.getByRole('heading', { level: 1, includeHidden: true }).filter({ hasNotText: 'Loading' }).waitFor();
  await page.waitForFunction(() => document.querySelector('[role=status][aria-label=Loading]') === null);
}

function problemsOf(page: Page, url: string): string[] {
  const problems: string[] = [];
  page.on('console', (message) => problems.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    const isOwn = request.url().startsWith(`${url}/`) || /^(data|blob):/.test(request.url());
    if (!isOwn) problems.push(`request to another host: ${request.url()}`);
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // Streams and requests of a view end with it; a download is taken out of the page.
    if (why !== 'net::ERR_ABORTED') problems.push(`failed: ${request.url()} ${why}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
  });
  return problems;
}
