import { sql } from '../../platform/database/sql.js';
import { ledgerAccount } from '../journal/entries.schema.js';
import { defineBooksReport } from './define-books-report.js';
import { periodSums } from './period-sums.store.js';
import { STATEMENT_COLUMNS, STATEMENT_ORDER, statementLines } from './statement.store.js';

const { ledger_account: _, ...columns } = STATEMENT_COLUMNS;

/** The lines of one ledger account, with a running balance in each currency. */
export default defineBooksReport({
  type: 'account-statement',
  title: 'Statement of a ledger account, with running balances',
  params: { ledger_account: ledgerAccount.describe('The ledger account, such as assets:cash') },
  columns,
  rows: (selection, { ledger_account }) =>
    statementLines(selection, sql`l.ledger_account = ${ledger_account}`, ['currency']),
  orderBy: STATEMENT_ORDER,
  totals: (selection, { ledger_account }) =>
    sql`${periodSums(selection, 'l.currency', sql`l.ledger_account = ${ledger_account}`)} ORDER BY l.currency COLLATE "C"`,
});
