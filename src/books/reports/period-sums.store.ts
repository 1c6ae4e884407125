import { Sql, sql } from '../../platform/database/sql.js';
import { LINES, isOfCurrency, isPosted, type Selection, where } from './selection.js';

/**
 * Sums lines by some of their columns: the balance before the interval, the debits and credits in it, and the balance at its end.
 * @param by Columns of a line `l`, by which rows are grouped.
 * @param condition Of the lines that count.
 * @returns A query of these columns, `opening_cents`, `debits_cents`, `credits_cents` and `closing_cents`.
 */
export function periodSums(selection: Selection, by: string, condition: Sql | null = null): Sql {
  const { from, to } = selection;
  const amounts = (filter: Sql): Sql => sql`coalesce(sum(l.amount_cents) FILTER (WHERE ${filter}), 0)`;
  const isBefore = sql`e.effective_at < ${from}`;
  const isWithin = sql`e.effective_at >= ${from}`;
  return sql`SELECT ${new Sql(by)}, ${amounts(isBefore)} AS opening_cents,
      ${amounts(sql`${isWithin} AND l.amount_cents > 0`)} AS debits_cents,
      -${amounts(sql`${isWithin} AND l.amount_cents < 0`)} AS credits_cents, sum(l.amount_cents) AS closing_cents
    ${LINES}
    ${where(isPosted(selection), sql`e.effective_at < ${to}`, isOfCurrency('l.currency', selection), condition)}
    GROUP BY ${new Sql(by)}`;
}
