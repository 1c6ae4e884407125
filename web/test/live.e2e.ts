/** The live view of requests over a crash of the service. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { type Visitor, launchBrowser, visit } from './support/browser';
import { type Daybook, call, startService } from './support/service';

const COUNT = 10;
/** Time in which the view must equal the API after the service is back. */
const CATCH_UP_MS = 2_000;

let daybook: Daybook;
let browser: Browser;
let visitor: Visitor;
beforeAll(async () => {
  [daybook, browser] = await Promise.all([startService(), launchBrowser()]);
  visitor = await visit(browser, daybook.url);
});
afterAll(() => browser?.close());

interface Listed {
  id: string;
  status: string;
}

const listed = async (): Promise<Listed[]> =>
  (await call<{ requests: Listed[] }>(daybook, 'GET', '/api/requests')).requests;

/** @returns The rows of the view, newest first: the end of the id, and the status. */
function shown(): Promise<string[]> {
  return visitor.page
    .getByRole('table', { name: 'Requests' })
    .locator('tbody tr')
    .evaluateAll((rows) =>
      rows.map(
        (row) =>
          `${row.querySelector('[title]')?.getAttribute('title')} ${(row.querySelector('td:nth-child(2)')?.textContent ?? '').toLowerCase()}`,
      ),
    );
}

const asShown = (requests: Listed[]): string[] => requests.map(({ id, status }) => `${id} ${status.toLowerCase()}`);

describe('the live view of requests', () => {
  it('shows ten requests over kill -9 of the service and a restart, and misses no end', async () => {
    const { page } = visitor;
    await visitor.open('/app/requests');
    // Each takes a moment, so that some are finished and some are not when the service is killed.
    const request = { report: 'transactions', payload: { num_transactions: 200_000 }, callback_url: null };
    await call(daybook, 'POST', '/api/batch', { requests: Array.from({ length: COUNT }, () => request) });
    await page.getByText('Live', { exact: true }).waitFor();
    await eventually(async () => (await shown()).some((row) => row.endsWith(' completed')));
    daybook.kill();
    await daybook.exited;
    expect((await shown()).filter((row) => !row.endsWith(' completed')).length).toBeGreaterThan(0);
    const { port } = new URL(daybook.url);
    daybook = await startService({ PORT: port, DATABASE_URL: daybook.databaseUrl!, DATA_DIR: daybook.dataDir });
    const backAt = Date.now();
    await eventually(async () => expect(await shown()).toEqual(asShown(await listed())), { everyMs: 20 });
    expect(Date.now() - backAt).toBeLessThan(CATCH_UP_MS);
    await eventually(
      async () => {
        expect((await listed()).filter(({ status }) => status === 'COMPLETED')).toHaveLength(COUNT);
        expect(await shown()).toEqual(asShown(await listed()));
      },
      { timeoutMs: 60_000 },
    );
  });
});
