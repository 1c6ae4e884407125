import { z } from 'zod';
import { sql } from '../../platform/database/sql.js';
import { ParamsRefused } from '../../reports/define-report.js';
import { defineBooksReport } from './define-books-report.js';
import { periodSums } from './period-sums.store.js';
import { STATEMENT_COLUMNS, STATEMENT_ORDER, statementLines } from './statement.store.js';

const { customer_id: _, ...columns } = STATEMENT_COLUMNS;

/** The lines of one customer, with a running balance in each ledger account and currency. */
export default defineBooksReport({
  type: 'customer-statement',
  title: 'Statement of a customer, with running balances',
  params: { customer_id: z.uuid().describe('A customer of the account') },
  async check({ customer_id }, { account, entries }) {
    if (await entries.hasCustomer(account, customer_id)) return;
    throw new ParamsRefused('customer_id', 'must be the id of a customer of the account');
  },
  columns,
  rows: (selection, { customer_id }) =>
    statementLines(selection, sql`l.customer_id = ${customer_id}`, ['ledger_account', 'currency']),
  orderBy: STATEMENT_ORDER,
  totals: (selection, { customer_id }) =>
    sql`${periodSums(selection, 'l.ledger_account, l.currency', sql`l.customer_id = ${customer_id}`)}
      ORDER BY l.ledger_account COLLATE "C", l.currency COLLATE "C"`,
});
