import { sql } from '../../platform/database/sql.js';
import { id, money } from '../../reports/query/query-columns.js';
import { defineBooksReport } from './define-books-report.js';
import { periodSums } from './period-sums.store.js';

/** The balances of all ledger accounts. Entries balance, so the openings sum to 0 in each currency, and so do the closings. */
export default defineBooksReport({
  type: 'trial-balance',
  title: 'Trial balance, one row per ledger account and currency',
  columns: {
    ledger_account: id('s.ledger_account'),
    currency: id('s.currency'),
    opening: money('s.opening_cents', 's.currency'),
    debits: money('s.debits_cents', 's.currency'),
    credits: money('s.credits_cents', 's.currency'),
    net: money('(s.debits_cents - s.credits_cents)', 's.currency'),
    closing: money('s.closing_cents', 's.currency'),
  },
  rows: (selection) => sql`FROM (${periodSums(selection, 'l.ledger_account, l.currency')}) s`,
  orderBy: 's.ledger_account COLLATE "C", s.currency COLLATE "C"',
  totals: (selection) =>
    sql`SELECT currency, opening_cents, debits_cents, credits_cents, debits_cents - credits_cents AS net_cents, closing_cents
      FROM (${periodSums(selection, 'l.currency')}) s ORDER BY currency COLLATE "C"`,
});
