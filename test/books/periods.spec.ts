/** After a month is closed, no entry is posted into it, even by postings that were in flight. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { PeriodsService } from '../../src/books/journal/periods/periods.service.js';
import { PeriodsStore } from '../../src/books/journal/periods/periods.store.js';
import { JournalStore } from '../../src/books/journal/journal.store.js';
import { eventually } from '../support/eventually.js';
import { openStores, type Stores } from '../support/stores.js';
import { newBooks, postEntries, transfer } from './books-fixture.js';

const WRITERS = 20;
const MARCH = new Date('2026-03-15T12:00:00Z');

let stores: Stores;
let periods: PeriodsService;
beforeAll(async () => {
  stores = await openStores();
  periods = new PeriodsService(new PeriodsStore(stores.database));
});

const countOf = async (account: string): Promise<number> => {
  const text = 'SELECT count(*) AS count FROM journal_entries WHERE account_id = $1';
  return (await stores.sql<{ count: number }>(text, [account]))[0]!.count;
};

const ALL = { limit: 200 };
const listed = async (account: string, query = ALL as { limit: number; cursor?: string }) =>
  (await periods.list(account, query)) as {
    periods: { period: string; status: string; closed_at: string | null }[];
    next_cursor: string | null;
  };

describe('closing', () => {
  it('while 20 writers post: no entry of the month is added after it', async () => {
    const account = newBooks();
    let refused = 0;
    const write = async (): Promise<void> => {
      for (;;) {
        try {
          await postEntries(stores, account, [transfer(1, { effectiveAt: MARCH })]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'period-closed' });
          refused++;
          return;
        }
      }
    };
    const writing = Promise.all(Array.from({ length: WRITERS }, write));
    await eventually(async () => (await countOf(account)) > WRITERS, { everyMs: 5 });
    await periods.close(account, '2026-03');
    const atClose = await countOf(account);
    await writing;
    expect(refused).toBe(WRITERS);
    expect(await countOf(account)).toBe(atClose);
    await postEntries(stores, account, [transfer(1, { effectiveAt: new Date('2026-04-01T00:00:00Z') })]);
    const [row] = await stores.sql<{ number: number }>(
      'SELECT max(number) AS number FROM journal_entries WHERE account_id = $1',
      [account],
    );
    // Refused entries use no number.
    expect(row!.number).toBe(atClose + 1);
  });

  it('waits for a posting in flight, which is part of the month', async () => {
    const account = newBooks();
    let closing: Promise<unknown> = Promise.resolve();
    await stores.database.transaction(async (query) => {
      await new JournalStore().post(query, account, [transfer(1, { effectiveAt: MARCH })]);
      closing = periods.close(account, '2026-03');
      await stores.untilBlocked(1);
      return true;
    });
    await closing;
    expect(await countOf(account)).toBe(1);
    const late = postEntries(stores, account, [transfer(1, { effectiveAt: MARCH })]);
    await expect(late).rejects.toMatchObject({ code: 'period-closed' });
  });

  it('fails a posting that waited for it', async () => {
    const account = newBooks();
    await postEntries(stores, account, [transfer(1, { effectiveAt: MARCH })]);
    let posting: Promise<unknown> = Promise.resolve();
    await stores.database.transaction(async (query) => {
      const close = `WITH c AS (UPDATE journal_counters SET last_number = last_number WHERE account_id = $1 RETURNING account_id)
        INSERT INTO closed_periods (account_id, month) SELECT account_id, '2026-03-01' FROM c`;
      await query({ name: '', text: close }, [account]);
      posting = postEntries(stores, account, [transfer(1, { effectiveAt: MARCH })]).catch((error: unknown) => error);
      await stores.untilBlocked(1);
      return true;
    });
    expect(await posting).toMatchObject({ code: 'period-closed' });
  });

  it('affects one month in UTC in the books of one account', async () => {
    const [account, other] = [newBooks(), newBooks()];
    await periods.close(account, '2026-03');
    await postEntries(stores, other, [transfer(1, { effectiveAt: MARCH })]);
    for (const [time, isOpen] of [
      ['2026-02-28T23:59:59.999Z', true],
      ['2026-03-01T00:00:00.000Z', false],
      ['2026-03-31T23:59:59.999Z', false],
      ['2026-04-01T00:00:00.000Z', true],
    ] as const) {
      const posting = postEntries(stores, account, [transfer(1, { effectiveAt: new Date(time) })]);
      const outcome = await posting.then(
        () => true,
        () => false,
      );
      expect([time, outcome]).toEqual([time, isOpen]);
    }
  });

  it('again keeps the first time; reopening allows postings again', async () => {
    const account = newBooks();
    const first = await periods.close(account, '2026-03');
    expect(first).toEqual({ period: '2026-03', status: 'closed', closed_at: expect.any(String) });
    expect(await periods.close(account, '2026-03')).toEqual(first);
    const open = { period: '2026-03', status: 'open', closed_at: null };
    expect(await periods.reopen(account, '2026-03')).toEqual(open);
    expect(await periods.reopen(account, '2026-03')).toEqual(open);
    await postEntries(stores, account, [transfer(1, { effectiveAt: MARCH })]);
    expect(await countOf(account)).toBe(1);
  });
});

describe('the list of periods', () => {
  it('has every month from the first entry to this month, and closed ones, newest first, page by page', async () => {
    const account = newBooks();
    const thisMonth = new Date().toISOString().slice(0, 7);
    expect((await listed(account)).periods.map(({ period }) => period)).toEqual([thisMonth]);
    const old = new Date();
    old.setUTCDate(1);
    old.setUTCMonth(old.getUTCMonth() - 5);
    await postEntries(stores, account, [transfer(1, { effectiveAt: old })]);
    await periods.close(account, '1999-12');
    await periods.close(account, old.toISOString().slice(0, 7));
    const { periods: all, next_cursor } = await listed(account);
    expect(next_cursor).toBeNull();
    expect(all).toHaveLength(7);
    expect(all.map(({ status }) => status)).toEqual(['open', 'open', 'open', 'open', 'open', 'closed', 'closed']);
    expect(all[0]!.period).toBe(thisMonth);
    expect(all[6]!.period).toBe('1999-12');
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listed(account, { limit: 3, cursor });
      paged.push(...page.periods.map(({ period }) => period));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(paged).toEqual(all.map(({ period }) => period));
  });
});
