/**
 * Promises of the journal: entries balance in every currency, posted entries never change, numbers have no gaps and
 * follow the order of commits, and nothing is posted into a closed month. The database enforces them for every writer.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { NewEntry } from '../../src/books/journal/journal-entry.js';
import { JournalStore } from '../../src/books/journal/journal.store.js';
import { openStores, type Stores } from '../support/stores.js';
import { newBooks, postEntries, transfer } from './books-fixture.js';

const CURRENCIES = ['USD', 'EUR', 'JPY'];
const WRITERS = 20;
const POSTINGS = 25;

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});

const anyOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;

function randomEntry(): NewEntry {
  const currencies = CURRENCIES.filter(() => Math.random() < 0.5);
  const amount = Math.ceil(Math.random() * 1_000);
  const lines = currencies.flatMap((currency) => [
    { ledgerAccount: 'assets:cash', currency, amountCents: amount },
    { ledgerAccount: 'income:orders', currency, amountCents: 3 - amount },
    { ledgerAccount: 'liabilities:tax', currency, amountCents: -3, customerId: uuidv7() },
  ]);
  return { effectiveAt: new Date(Date.UTC(2026, 0, 1 + Math.random() * 300)), kind: 'adjustment', lines };
}

interface Row {
  number: number;
  recordedAt: Date;
}

const numbered = (account: string) =>
  stores.sql<Row>(
    'SELECT number, recorded_at AS "recordedAt" FROM journal_entries WHERE account_id = $1 ORDER BY number',
    [account],
  );

/** Checks every promise about the entries of an account. @returns The number of entries. */
async function checkBooks(account: string): Promise<number> {
  const rows = await numbered(account);
  expect(rows.map(({ number }) => number)).toEqual(rows.map((_, index) => index + 1));
  for (const [index, { recordedAt }] of rows.entries()) {
    expect(recordedAt.getTime()).toBeGreaterThanOrEqual(rows[index - 1]?.recordedAt.getTime() ?? 0);
  }
  const sums = await stores.sql(
    `SELECT currency, sum(amount_cents)::text AS sum FROM journal_lines WHERE account_id = $1 GROUP BY currency
      HAVING sum(amount_cents) <> 0`,
    [account],
  );
  expect(sums).toEqual([]);
  const [counter] = await stores.sql<{ last: number }>(
    'SELECT last_number AS last FROM journal_counters WHERE account_id = $1',
    [account],
  );
  expect(counter?.last ?? 0).toBe(rows.length);
  return rows.length;
}

describe('many writers', () => {
  it('post without gaps, in the order of commits, and every currency sums to 0', async () => {
    const books = [newBooks(), newBooks()];
    const posting = new JournalStore();
    const posted = new Map(books.map((account) => [account, 0]));
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        for (let n = 0; n < POSTINGS; n++) {
          const account = anyOf(books);
          const entries = Array.from({ length: 1 + Math.floor(Math.random() * 3) }, randomEntry);
          const isCommitted = await stores.database.transaction(async (query) => {
            const numbers = (await posting.post(query, account, entries)).filter((entry) => entry !== null);
            const isKept = Math.random() < 0.8;
            if (isKept) posted.set(account, posted.get(account)! + numbers.length);
            return isKept;
          });
          expect(typeof isCommitted).toBe('boolean');
        }
      }),
    );
    for (const account of books) expect(await checkBooks(account)).toBe(posted.get(account));
  });

  it('see numbers in the order in which they become visible', async () => {
    const account = newBooks();
    let isDone = false;
    const watch = async (): Promise<void> => {
      while (!isDone) {
        const numbers = (await numbered(account)).map(({ number }) => number);
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      }
    };
    const write = async (): Promise<void> => {
      for (let n = 0; n < POSTINGS; n++) await postEntries(stores, account, [transfer(1)]);
    };
    const watching = watch();
    await Promise.all(Array.from({ length: WRITERS }, write)).finally(() => (isDone = true));
    await watching;
    expect(await checkBooks(account)).toBe(WRITERS * POSTINGS);
  });
});

describe('posting', () => {
  it('returns the number and time of each entry, and posts nothing for amounts of 0', async () => {
    const account = newBooks();
    const posted = await postEntries(stores, account, [transfer(5), transfer(0), transfer(7)]);
    expect(posted).toEqual([
      { number: 1, recordedAt: expect.any(Date) },
      null,
      { number: 2, recordedAt: expect.any(Date) },
    ]);
    expect(await postEntries(stores, account, [transfer(0)])).toEqual([null]);
    expect(await checkBooks(account)).toBe(2);
  });

  it('never records before the previous entry, also when the clock was set back', async () => {
    const account = newBooks();
    await postEntries(stores, account, [transfer(1)]);
    await stores.sql(`UPDATE journal_counters SET last_recorded_at = now() + interval '1 hour' WHERE account_id = $1`, [
      account,
    ]);
    const [late] = await postEntries(stores, account, [transfer(1)]);
    expect(late!.recordedAt.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    const [next] = await postEntries(stores, account, [transfer(1)]);
    expect(next!.recordedAt).toEqual(late!.recordedAt);
    await checkBooks(account);
  });

  it('works after a savepoint', async () => {
    const account = newBooks();
    await stores.database.transaction(async (query) => {
      for (const text of ['SAVEPOINT a', 'SAVEPOINT b']) await query({ name: '', text });
      await new JournalStore().post(query, account, [transfer(1)]);
      await query({ name: '', text: 'ROLLBACK TO b' });
      await new JournalStore().post(query, account, [transfer(2), transfer(3)]);
      await query({ name: '', text: 'RELEASE a' });
      return true;
    });
    expect(await checkBooks(account)).toBe(2);
  });

  it('takes consecutive numbers for entries that are inserted in bulk', async () => {
    const account = newBooks();
    await postEntries(stores, account, [transfer(1)]);
    await stores.database.transaction(async (query) => {
      const { base, recordedAt } = await new JournalStore().takeNumbers(query, account, 3);
      const entries = `INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind)
        SELECT $1, $2::bigint + n, now(), $3, 'x' FROM generate_series(1, 3) n`;
      await query({ name: '', text: entries }, [account, base, recordedAt]);
      return true;
    });
    await postEntries(stores, account, [transfer(1)]);
    expect(await checkBooks(account)).toBe(5);
  });
});

describe('the database refuses', () => {
  const MONTH = new Date('2026-03-15T12:00:00Z');
  const ENTRY = `INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind)`;
  const LINE = `INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents)`;
  let account: string;

  beforeAll(async () => {
    account = newBooks();
    await postEntries(stores, account, [transfer(100), transfer(200)]);
  });

  /** Runs statements in one transaction, as the owner of the tables. @returns The SQLSTATE of the failure. */
  async function refusal(role: 'origin' | 'replica', ...texts: string[]): Promise<string> {
    const client = new Client({ connectionString: stores.url });
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(`SET LOCAL session_replication_role = ${role}`);
      for (const text of texts) await client.query(text.replaceAll(':account', `'${account}'::uuid`));
      await client.query('COMMIT');
      return 'none';
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await client.end();
    }
  }

  describe.each(['origin', 'replica'] as const)('with session_replication_role %s', (role) => {
    it.each([
      ['an entry changes', `UPDATE journal_entries SET memo = 'x' WHERE account_id = :account`],
      ['a line changes', 'UPDATE journal_lines SET amount_cents = amount_cents * 2 WHERE account_id = :account'],
      ['an entry is deleted', 'DELETE FROM journal_entries WHERE account_id = :account AND number = 2'],
      ['a line is deleted', 'DELETE FROM journal_lines WHERE account_id = :account'],
      ['the lines are truncated', 'TRUNCATE journal_lines'],
      ['the entries are truncated', 'TRUNCATE journal_entries CASCADE'],
    ])('that %s', async (_, text) => {
      expect(await refusal(role, text)).toBe('DBK03');
    });

    it('an upsert of an entry', async () => {
      const text = `${ENTRY} VALUES (:account, 2, now(), now(), 'x') ON CONFLICT (account_id, number) DO UPDATE SET memo = 'x'`;
      expect(await refusal(role, text)).toBe('DBK03');
    });

    it('lines that do not sum to 0 in each currency', async () => {
      const entry = `${ENTRY} VALUES (:account, 3, now(), now() + interval '1 hour', 'x')`;
      expect(await refusal(role, entry, `${LINE} VALUES (:account, 3, 1, 'assets:cash', 'USD', 5)`)).toBe('DBK02');
      const mixed = `${LINE} VALUES (:account, 3, 1, 'assets:cash', 'USD', 5), (:account, 3, 2, 'assets:cash', 'EUR', -5)`;
      expect(await refusal(role, entry, mixed)).toBe('DBK02');
    });

    it('lines added to a posted entry, even balanced ones', async () => {
      const text = `${LINE} VALUES (:account, 2, 3, 'assets:cash', 'USD', 5), (:account, 2, 4, 'income:orders', 'USD', -5)`;
      expect(await refusal(role, text)).toBe('DBK03');
    });

    it('a number that leaves a gap, and a time before the previous entry', async () => {
      const later = `now() + interval '1 hour'`;
      expect(await refusal(role, `${ENTRY} VALUES (:account, 4, now(), ${later}, 'x')`)).toBe('DBK04');
      const gap = `${ENTRY} VALUES (:account, 3, now(), ${later}, 'x'), (:account, 5, now(), ${later}, 'x')`;
      expect(await refusal(role, gap)).toBe('DBK04');
      expect(await refusal(role, `${ENTRY} VALUES (:account, 3, now(), '2020-01-01', 'x')`)).toBe('DBK04');
    });

    it('an entry in a closed month', async () => {
      const close = `INSERT INTO closed_periods (account_id, month) VALUES (:account, '2026-03-01')`;
      const late = `${ENTRY} VALUES (:account, 3, '${MONTH.toISOString()}', now() + interval '1 hour', 'x')`;
      expect(await refusal(role, close, late)).toBe('DBK01');
    });
  });

  it('malformed lines', async () => {
    const malformed = [
      ['assets', 'USD'],
      ['money:cash', 'USD'],
      ['assets:Cash', 'USD'],
      ['assets:a:b:c:d:e', 'USD'],
      ['assets:cash', 'usd'],
    ] as const;
    for (const [ledgerAccount, currency] of malformed) {
      const lines = [5, -5].map((amountCents) => ({ ledgerAccount, currency, amountCents }));
      const posted = postEntries(stores, account, [transfer(1, { lines })]);
      await expect(posted).rejects.toMatchObject({ code: '23514' });
    }
    expect(await checkBooks(account)).toBe(2);
  });

  it('a second reversal of an entry, and a second entry of a kind for a source', async () => {
    const books = newBooks();
    const source = { type: 'order', id: uuidv7() };
    await postEntries(stores, books, [transfer(5, { kind: 'order.paid', source })]);
    const again = postEntries(stores, books, [transfer(5, { kind: 'order.paid', source })]);
    await expect(again).rejects.toMatchObject({ code: '23505' });
    await postEntries(stores, books, [transfer(-5, { reverses: 1 })]);
    const twice = postEntries(stores, books, [transfer(-5, { reverses: 1 })]);
    await expect(twice).rejects.toMatchObject({ code: 'entry-not-reversible' });
    expect(await checkBooks(books)).toBe(2);
  });
});

describe('a transaction that fails', () => {
  it('leaves its connection usable', async () => {
    const pid = async (): Promise<number[]> => {
      const text = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'daybook'`;
      return (await stores.sql<{ pid: number }>(text)).map((row) => row.pid).toSorted((a, b) => a - b);
    };
    const books = newBooks();
    await stores.sql(`INSERT INTO closed_periods (account_id, month) VALUES ($1, '2026-03-01')`, [books]);
    const late = transfer(1, { effectiveAt: new Date('2026-03-01T00:00:00.000Z') });
    const before = await pid();
    for (let n = 0; n < 5; n++) {
      await expect(postEntries(stores, books, [late])).rejects.toMatchObject({
        code: 'period-closed',
        message: expect.stringContaining('2026-03'),
      });
    }
    expect(await pid()).toEqual(before);
    await postEntries(stores, books, [transfer(1, { effectiveAt: new Date('2026-02-28T23:59:59.999Z') })]);
    await postEntries(stores, books, [transfer(1, { effectiveAt: new Date('2026-04-01T00:00:00.000Z') })]);
    expect(await checkBooks(books)).toBe(2);
  });
});
