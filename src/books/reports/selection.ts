import { joined, Sql, sql } from '../../platform/database/sql.js';

/** What a report is about: posted entries of an account, up to one number, that count in an interval. */
export interface Selection {
  account: string;
  /** The start, which is in the interval. */
  from: Date;
  /** The end, which is not. */
  to: Date;
  /** The number of the last entry that counts. */
  throughEntry: number;
  /** Undefined for all. */
  currency: string | undefined;
}

/** The lines `l` of entries `e`. */
export const LINES = sql`FROM journal_entries e JOIN journal_lines l USING (account_id, number)`;

/** @returns The join of the entry `e` that has a number. @param number In SQL. */
export function entryOf({ account }: Selection, number: string): Sql {
  return sql`JOIN journal_entries e ON e.account_id = ${account} AND e.number = ${new Sql(number)}`;
}

/** Conditions in SQL; those that are null do not apply. */
export function where(...conditions: readonly (Sql | null)[]): Sql {
  return sql`WHERE ${joined(
    conditions.filter((condition) => condition !== null),
    ' AND ',
  )}`;
}

/** @returns The condition that an entry `e` counts at all, in the interval or not. */
export function isPosted({ account, throughEntry }: Selection): Sql {
  return sql`e.account_id = ${account} AND e.number <= ${throughEntry}`;
}

/** @returns The condition that an entry `e` counts in the interval. */
export function isSelected(selection: Selection): Sql {
  const { from, to } = selection;
  return sql`${isPosted(selection)} AND e.effective_at >= ${from} AND e.effective_at < ${to}`;
}

/** @returns The condition of the chosen currency; null without one. @param column In SQL. */
export function isOfCurrency(column: string, { currency }: Selection): Sql | null {
  return currency === undefined ? null : sql`${new Sql(column)} = ${currency}`;
}
