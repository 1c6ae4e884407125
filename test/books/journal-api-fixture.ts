import { expect } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { type Reply, get, post } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';
import { createKey, type TestKey } from '../support/keys.js';

export const ENTRIES = '/api/journal/entries';

/** The body of an adjustment between two ledger accounts. */
export function transfer(amount: number, more: object = {}): object {
  return {
    effective_at: '2026-03-31T12:00:00.000Z',
    memo: 'Bank fees',
    lines: [
      { ledger_account: 'expenses:bank-fees', currency: 'USD', amount_cents: amount },
      { ledger_account: 'assets:cash', currency: 'USD', amount_cents: -amount },
    ],
    ...more,
  };
}

/** Returns functions that call the journal of the service that `daybook` returns, which starts after the file loads. */
export function journalClient(daybook: () => Daybook) {
  const act = (by: TestKey, path: string, body?: object, headers: Record<string, string> = {}): Promise<Reply> =>
    post(daybook(), path, body, { ...by.headers, ...headers });
  const adjust = (by: TestKey, body: object, headers: Record<string, string> = {}): Promise<Reply> =>
    act(by, ENTRIES, body, headers);
  const see = (by: TestKey, path: string): Promise<Reply> => get(daybook(), path, by.headers);

  /** Adds an account, so that a test has its own books. */
  const newAccount = (): Promise<TestKey> => createKey(daybook(), ['books:read', 'books:write'], { account: uuidv7() });

  async function balancesOf(by: TestKey, query = ''): Promise<Record<string, number>> {
    const { json } = await see(by, `/api/journal/balances${query}`);
    const rows = json.balances as { ledger_account: string; currency: string; amount_cents: number }[];
    return Object.fromEntries(rows.map((row) => [`${row.ledger_account} ${row.currency}`, row.amount_cents]));
  }

  /** @returns the numbers of the entries on all pages of a list. */
  async function numbersOf(by: TestKey, query: string): Promise<number[]> {
    const numbers: number[] = [];
    let cursor: string | null = null;
    do {
      const { status, json } = await see(by, `${ENTRIES}?${query}${cursor === null ? '' : `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      numbers.push(...json.entries.map(({ number }: { number: number }) => number));
      cursor = json.next_cursor;
    } while (cursor !== null);
    return numbers;
  }

  return { act, adjust, see, newAccount, balancesOf, numbersOf };
}

const line = (more: object): object => ({ ledger_account: 'assets:cash', currency: 'USD', amount_cents: 5, ...more });
const back = line({ amount_cents: -5 });

/** Changes that make an adjustment malformed, and the path of the error. */
export const MALFORMED: [string, object, string][] = [
  ['no lines', { lines: [] }, 'lines'],
  ['too many lines', { lines: Array.from({ length: 101 }, () => line({ amount_cents: 0 })) }, 'lines'],
  ['unbalanced lines', { lines: [line({}), line({ amount_cents: -4 })] }, 'lines'],
  [
    'lines that balance over two currencies',
    { lines: [line({}), line({ amount_cents: -5, currency: 'EUR' })] },
    'lines',
  ],
  ['only amounts of 0', { lines: [line({ amount_cents: 0 }), line({ amount_cents: 0 })] }, 'lines'],
  ['a large imbalance', { lines: [line({ amount_cents: 9_007_199_254_740_991 }), back, back] }, 'lines'],
  ['half a cent', { lines: [line({ amount_cents: 0.5 }), back] }, 'lines.0.amount_cents'],
  ['a text amount', { lines: [line({ amount_cents: '5' }), back] }, 'lines.0.amount_cents'],
  ['an amount beyond 2^53', { lines: [line({ amount_cents: 9_007_199_254_740_992 }), back] }, 'lines.0.amount_cents'],
  ['a currency in lower case', { lines: [line({ currency: 'usd' }), back] }, 'lines.0.currency'],
  ['an unknown currency', { lines: [line({ currency: 'ZZZ' }), back] }, 'lines.0.currency'],
  ['a root as ledger account', { lines: [line({ ledger_account: 'assets' }), back] }, 'lines.0.ledger_account'],
  [
    'an upper case ledger account',
    { lines: [line({ ledger_account: 'assets:Cash' }), back] },
    'lines.0.ledger_account',
  ],
  ['a deep ledger account', { lines: [line({ ledger_account: 'assets:a:b:c:d:e' }), back] }, 'lines.0.ledger_account'],
  [
    'a ledger account with a newline',
    { lines: [line({ ledger_account: 'assets:cash\n' }), back] },
    'lines.0.ledger_account',
  ],
  ['a customer that is no id', { lines: [line({ customer_id: 'x' }), back] }, 'lines.0.customer_id'],
  ['an unknown field', { colour: 'red' }, ''],
  ['a time without an offset', { effective_at: '2026-03-01T12:00:00' }, 'effective_at'],
  ['a day that does not exist', { effective_at: '2026-02-30T12:00:00Z' }, 'effective_at'],
  ['no time', { effective_at: undefined }, 'effective_at'],
  ['no memo', { memo: undefined }, 'memo'],
  ['an empty memo', { memo: ' ' }, 'memo'],
  ['a long memo', { memo: 'x'.repeat(501) }, 'memo'],
  ['a memo with a control character', { memo: 'a\u001b[31m' }, 'memo'],
  ['a memo with NUL', { memo: 'a\0' }, 'memo'],
];

/** Queries of the list of entries that are refused, and the path of the error. */
export const REFUSED_QUERIES: [string, string][] = [
  ['limit=0', 'limit'],
  ['limit=201', 'limit'],
  ['cursor=x', 'cursor'],
  ['cursor=5&from=2026-03-02T12:00:00Z', 'cursor'],
  ['cursor=5@99999999999999999&from=2026-03-02T12:00:00Z', 'cursor'],
  ['cursor=5@9999999999999999&from=2026-03-02T12:00:00Z', 'cursor'],
  ['cursor=5@7', 'cursor'],
  ['from=yesterday', 'from'],
  ['from=2026-03-02T12:00:00Z&to=2026-03-02T12:00:00Z', 'to'],
  ['ledger_account=cash', 'ledger_account'],
  ['through_entry=-1', 'through_entry'],
  ['through_entry=', 'through_entry'],
  ['through_entry=1.5', 'through_entry'],
  ['colour=red', ''],
];
