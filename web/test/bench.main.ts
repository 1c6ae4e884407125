/**
 * `npm run bench:web`: how fast each view of the dashboard paints, how much it moves, and how much it loads. Each view is opened
 * in a new profile, so nothing is cached.
 */
import type { Browser } from 'playwright-core';
import { VIEWS } from '../src/shell/navigation.js';
import { withDashboard } from './own-dashboard.js';
import { launchBrowser, visit } from './support/browser.js';

/** Time after a view is there, in which things may still move. */
const SETTLE_MS = 1_500;

interface Figures {
  paintMs: number;
  shift: number;
  /** Of tasks over 50 ms, the longest. */
  longestTaskMs: number;
  gzippedKb: number;
}

/** Collects what the browser reports from the first moment of a page. */
function observe(): void {
  const seen = { shift: 0, longestTaskMs: 0 };
  Object.assign(globalThis, { seen });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { value, hadRecentInput } = entry as PerformanceEntry & { value: number; hadRecentInput: boolean };
      if (!hadRecentInput) seen.shift += value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.longestTaskMs = Math.max(seen.longestTaskMs, duration);
  }).observe({ type: 'longtask', buffered: true });
}

async function measure(browser: Browser, url: string, path: string): Promise<Figures> {
  const visitor = await visit(browser, url);
  try {
    await visitor.page.addInitScript(observe);
    await visitor.open(path);
    await visitor.page.waitForTimeout(SETTLE_MS);
    return await visitor.page.evaluate(() => {
      const { seen } = globalThis as unknown as { seen: Pick<Figures, 'shift' | 'longestTaskMs'> };
      const [paint] = performance.getEntriesByName('first-contentful-paint');
      const files = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
      const page = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
      const own = [...page, ...files.filter(({ name }) => new URL(name).pathname.startsWith('/app/'))];
      const bytes = own.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
      return { ...seen, paintMs: paint?.startTime ?? Number.NaN, gzippedKb: bytes / 1_000 };
    });
  } finally {
    await visitor.close();
  }
}

await withDashboard(async (url) => {
  const browser = await launchBrowser();
  try {
    await measure(browser, url, '/');
    console.log('view        first paint  layout shift  longest task  loaded (gzipped)');
    console.log('target           < 1 s         < 0.1       < 200 ms  ≤ 150 kB for the first view');
    for (const { path, title } of VIEWS) {
      const { paintMs, shift, longestTaskMs, gzippedKb } = await measure(browser, url, path);
      const cells = [`${paintMs.toFixed(0)} ms`, shift.toFixed(3), `${longestTaskMs.toFixed(0)} ms`];
      console.log(
        title.padEnd(10),
        ...cells.map((cell) => cell.padStart(12)),
        `${gzippedKb.toFixed(0)} kB`.padStart(12),
      );
    }
  } finally {
    await browser.close();
  }
});
process.exit(0);
