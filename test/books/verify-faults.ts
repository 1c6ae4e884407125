import { newId } from '../../src/platform/ids.js';

/** Books with orders of all statuses and an adjustment. The entries: 1 to 3 pay, 4 reverses 3, 5 adjusts. */
export interface Books {
  account: string;
  customer: string;
  draft: string;
  paid: string;
  shipped: string;
  reversed: string;
}

/** A fault: its name, the statement that plants it, the values of that, and the expected findings. */
export type Fault = [string, string, (books: Books) => unknown[], RegExp[]];

const DROP_LINES = 'WITH gone AS (DELETE FROM journal_lines WHERE account_id = $1 AND number = 5)';

/** Each fault of the books of one account that a superuser can plant. */
export const FAULTS: Fault[] = [
  [
    'a total that is not that of the items',
    'UPDATE orders SET total_cents = 3001 WHERE account_id = $1 AND id = $2',
    ({ account, draft }) => [account, draft],
    [/^order-total: order \S+ has total_cents 3001, and its 2 items sum to 3000$/],
  ],
  [
    'an order without items',
    'DELETE FROM order_items USING orders o WHERE o.id = order_id AND o.account_id = $1 AND o.id = $2',
    ({ account, draft }) => [account, draft],
    [/^order-total: order \S+ has total_cents 3000, and its 0 items sum to 0$/],
  ],
  [
    'a paid order that has not posted',
    `WITH line AS (UPDATE journal_lines SET customer_id = NULL WHERE account_id = $1 AND number = 1)
      UPDATE journal_entries SET source_id = NULL, source_type = NULL, kind = 'adjustment' WHERE account_id = $1 AND source_id = $2`,
    ({ account, paid }) => [account, paid],
    [/^order-not-posted: order \S+ has no entry order\.paid$/],
  ],
  [
    'a cancelled order that was paid and has no reversal',
    `UPDATE journal_entries SET source_id = NULL, source_type = NULL, kind = 'reversal' WHERE account_id = $1 AND source_id = $2
      AND reverses IS NOT NULL`,
    ({ account, reversed }) => [account, reversed],
    [/^order-not-posted: order \S+ has no entry order\.cancelled$/],
  ],
  [
    'an entry of a draft',
    `UPDATE journal_entries SET kind = 'order.paid', source_type = 'order', source_id = $2 WHERE account_id = $1 AND number = 5`,
    ({ account, draft }) => [account, draft],
    [
      /^unknown-source: entry 5 \(order\.paid\) names order \S+, which is draft and does not post it$/,
      /^order-entry: /,
    ],
  ],
  [
    'an entry of an order that does not exist',
    `UPDATE journal_entries SET kind = 'order.paid', source_type = 'order', source_id = $2 WHERE account_id = $1 AND number = 5`,
    ({ account }) => [account, newId()],
    [/^unknown-source: entry 5 \(order\.paid\) names order \S+, which does not exist$/],
  ],
  [
    'an entry of an unknown kind of source',
    `UPDATE journal_entries SET source_type = 'gift', source_id = $2 WHERE account_id = $1 AND number = 5`,
    ({ account }) => [account, newId()],
    [/^unknown-source: entry 5 \(adjustment\) names a source of an unknown type, gift$/],
  ],
  [
    "an entry without a source that looks like an order's",
    `UPDATE journal_entries SET kind = 'order.paid' WHERE account_id = $1 AND number = 5`,
    ({ account }) => [account],
    [/^unknown-source: entry 5 is order\.paid and names no order$/],
  ],
  [
    'another amount than that of the order',
    'UPDATE journal_lines SET amount_cents = sign(amount_cents) * 2999 WHERE account_id = $1 AND number = 1',
    ({ account }) => [account],
    [
      /^order-entry: entry 1 \(order\.paid\) .* move USD 3000 of .* has assets:cash USD 2999 of .*, income:orders USD -2999 of/,
    ],
  ],
  [
    'another currency than that of the order',
    `UPDATE journal_lines SET currency = 'EUR' WHERE account_id = $1 AND number = 1`,
    ({ account }) => [account],
    [/^order-entry: entry 1 .* has assets:cash EUR 3000/],
  ],
  [
    'a line of an order without its customer',
    'UPDATE journal_lines SET customer_id = NULL WHERE account_id = $1 AND number = 1 AND line = 2',
    ({ account }) => [account],
    [/^order-entry: entry 1 .* income:orders USD -3000 of no customer$/],
  ],
  [
    'another time than that of the payment',
    `UPDATE journal_entries SET effective_at = effective_at + interval '1 s' WHERE account_id = $1 AND number = 1`,
    ({ account }) => [account],
    [/^order-entry: entry 1 \(order\.paid\) of order \S+ should be effective at /],
  ],
  [
    'a cancellation that reverses another entry',
    'UPDATE journal_entries SET reverses = 2 WHERE account_id = $1 AND number = 4',
    ({ account }) => [account],
    [/^order-entry: entry 4 \(order\.cancelled\) .* reverse 3, .* reverses 2, /],
  ],
  [
    'an entry that does not balance',
    'UPDATE journal_lines SET amount_cents = 71 WHERE account_id = $1 AND number = 5 AND line = 1',
    ({ account }) => [account],
    [/^entry-balance: the USD lines of entry 5 sum to 1$/, /^currency-balance: all USD lines sum to 1$/],
  ],
  [
    'an entry without lines',
    'DELETE FROM journal_lines WHERE account_id = $1 AND number = 5',
    ({ account }) => [account],
    [/^entry-lines: entry 5 has no lines$/],
  ],
  [
    'lines without an entry',
    `INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents)
      VALUES ($1, 6, 1, 'assets:cash', 'USD', 1), ($1, 6, 2, 'assets:bank', 'USD', -1)`,
    ({ account }) => [account],
    [/^entry-lines: line 1 of entry 6 has no entry$/, /^entry-lines: line 2 of entry 6 has no entry$/],
  ],
  [
    'a gap in the numbers',
    `WITH line AS (UPDATE journal_lines SET number = 8 WHERE account_id = $1 AND number = 5),
      counter AS (UPDATE journal_counters SET last_number = 8 WHERE account_id = $1)
      UPDATE journal_entries SET number = 8 WHERE account_id = $1 AND number = 5`,
    ({ account }) => [account],
    [/^entry-numbers: the entries 5 to 7 are missing$/],
  ],
  [
    'a missing newest entry',
    `${DROP_LINES} DELETE FROM journal_entries WHERE account_id = $1 AND number = 5`,
    ({ account }) => [account],
    [/^counter: the counter is at 5 of .*, and the newest entry is 4 of /],
  ],
  [
    'a missing counter',
    'DELETE FROM journal_counters WHERE account_id = $1',
    ({ account }) => [account],
    [/^counter: the counter is at none of no time, and the newest entry is 5 of /],
  ],
  [
    'a time of recording before that of the previous entry',
    `UPDATE journal_entries SET recorded_at = recorded_at - interval '1 day' WHERE account_id = $1 AND number = 5`,
    ({ account }) => [account],
    [/^recorded-at: entry 5 was recorded at .*, before the entry before it \(/],
  ],
  [
    'an entry that was recorded into a closed month',
    `INSERT INTO closed_periods (account_id, month, closed_at) VALUES ($1, '2026-03-01', '2026-04-02T00:00:00Z')`,
    ({ account }) => [account],
    [
      /^closed-period: entry 5, effective at 2026-03-31 12:00:00\+00, was recorded at .*, after 2026-03 was closed at 2026-04-02/,
    ],
  ],
  [
    'a reversal that does not undo its entry',
    `UPDATE journal_lines SET ledger_account = 'income:gifts' WHERE account_id = $1 AND number = 3 AND line = 2`,
    ({ account }) => [account],
    [/^order-entry: entry 3 /, /^reversal: entry 4 does not undo entry 3, which it reverses$/],
  ],
  [
    "totals that are not those of the customer's orders",
    'UPDATE customer_totals SET order_count = 3, total_cents = 6001 WHERE account_id = $1',
    ({ account }) => [account],
    [/^customer-totals: customer \S+ has 2 orders of USD 6000; the totals say 3 of 6001$/],
  ],
  [
    'missing totals of a customer',
    'DELETE FROM customer_totals WHERE account_id = $1',
    ({ account }) => [account],
    [/^customer-totals: customer \S+ has 2 orders of USD 6000; the totals say 0 of 0$/],
  ],
  [
    'totals of a customer without orders in the currency',
    `INSERT INTO customer_totals (account_id, customer_id, currency, order_count, total_cents, is_active)
      VALUES ($1, $2, 'EUR', 1, 5, true)`,
    ({ account, customer }) => [account, customer],
    [/^customer-totals: customer \S+ has 0 orders of EUR 0; the totals say 1 of 5$/],
  ],
  [
    'totals that treat an active customer as inactive',
    'UPDATE customer_totals SET is_active = false WHERE account_id = $1',
    ({ account }) => [account],
    [/^customer-active: customer \S+ is active; the totals in USD say it is inactive$/],
  ],
  [
    'blocks that are folded before they are complete',
    'INSERT INTO journal_folds (account_id, blocks) VALUES ($1, 1)',
    ({ account }) => [account],
    [/^folded-totals: 1 blocks are folded, and the newest entry is 5$/],
  ],
];
