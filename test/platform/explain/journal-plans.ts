import { expect, it } from '@jest/globals';
import { BalancesStore } from '../../../src/books/journal/balances/balances.store.js';
import { BLOCK } from '../../../src/books/journal/balances/blocks.js';
import { FoldsStore } from '../../../src/books/journal/balances/folds.store.js';
import { EntriesRepository } from '../../../src/books/journal/entries.repository.js';
import { JournalEntry } from '../../../src/books/journal/journal-entry.entity.js';
import { JournalLine } from '../../../src/books/journal/journal-line.entity.js';
import { JournalStore } from '../../../src/books/journal/journal.store.js';
import { PeriodsStore } from '../../../src/books/journal/periods/periods.store.js';
import { transfer } from '../../books/books-fixture.js';
import { BOOKS, ENTRIES } from './books-rows.js';
import type { Explained } from './explained.js';

/** Posting and reading the journal. */
export function journalPlans(explained: Explained): void {
  it('posting to the journal', () =>
    explained.expectCheap(async () => {
      await explained.database.transaction(async (query) => {
        await new JournalStore().post(query, BOOKS, [transfer(5), transfer(6, { reverses: 7 })]);
        return false;
      });
      await new PeriodsStore(explained.database).list(BOOKS, undefined, 50);
    }, 300));

  it('balances, and the fold behind them', () =>
    explained.expectCheap(async () => {
      const balances = new BalancesStore();
      const extent = await balances.extent(explained.database.query, BOOKS);
      expect(extent).toEqual({ lastNumber: ENTRIES, blocks: 100 });
      expect((await balances.now(explained.database.query, BOOKS)).balances).toHaveLength(3);
      for (const number of [1, 5 * BLOCK - 1, 50 * BLOCK + 7, ENTRIES]) {
        expect((await balances.through(explained.database.query, BOOKS, number)).balances).not.toEqual([]);
      }
      for (const day of ['2026-01-01', '2026-03-01', '2026-07-10']) {
        expect(
          (await balances.asOf(explained.database.query, BOOKS, new Date(`${day}T00:59:59Z`))).balances,
        ).not.toEqual([]);
      }
      await balances.countNew(explained.database.query, BOOKS, [{ ledgerAccount: 'assets:new', currency: 'USD' }]);
      const folds = new FoldsStore(explained.database);
      expect(await folds.behind(20)).toEqual([]);
      expect(await folds.fold(BOOKS)).toBe(false);
      // The lines of an hour of 512 entries, each a probe of about five pages.
    }, 4_000));

  it('listing journal entries', () =>
    explained.expectCheap(async () => {
      const entries = new EntriesRepository(
        explained.dataSource.getRepository(JournalEntry),
        explained.dataSource.getRepository(JournalLine),
      );
      const from = new Date('2026-01-03T00:00:00Z');
      for (const ledgerAccount of [undefined, 'assets:cash', 'income:rare', 'assets:none']) {
        const filter = { account: BOOKS, ledgerAccount };
        await entries.list(filter, undefined, 51);
        await entries.list({ ...filter, throughEntry: 5_000 }, { number: 4_000 }, 51);
        await entries.list({ ...filter, from, to: new Date('2026-02-03T00:00:00Z') }, undefined, 51);
        await entries.list({ ...filter, from }, { number: 60_000, effectiveAt: new Date('2026-04-01T00:00:00Z') }, 51);
      }
      expect(await entries.linesOf(BOOKS, [1, 2, 3])).toHaveLength(6);
    }));
}
