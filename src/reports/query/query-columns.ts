import { UNUSUAL_DECIMALS } from '../../platform/currency-decimals.js';
import { joined, Sql, sql } from '../../platform/database/sql.js';
import { FORMULA_STARTS } from '../formats/csv.js';

/** How a cell is written. An amount is in minor units, and its currency decides its decimals. */
export type CellKind = 'id' | 'text' | 'date' | 'time' | 'integer' | 'money';

/** A column of a report over tables. */
export interface QueryColumn {
  readonly kind: CellKind;
  /** The value in SQL, of the rows that the report selects. */
  readonly value: Sql;
  /** The currency in SQL, of an amount. */
  readonly currency?: Sql;
}

/** Columns by name. */
export type QueryColumns = Readonly<Record<string, QueryColumn>>;

/** An identifier or code that the service assigns; it is never a formula. */
export const id = (value: string): QueryColumn => ({ kind: 'id', value: new Sql(value) });
/** Text from callers, which may be anything. */
export const text = (value: string): QueryColumn => ({ kind: 'text', value: new Sql(value) });
/** A point in time. */
export const time = (value: string): QueryColumn => ({ kind: 'time', value: new Sql(value) });
/** A whole number. */
export const integer = (value: string): QueryColumn => ({ kind: 'integer', value: new Sql(value) });
/** An amount in minor units of a currency. */
export const money = (value: string, currency: string): QueryColumn => {
  return { kind: 'money', value: new Sql(value), currency: new Sql(currency) };
};

const isOneOf = (currency: Sql, codes: readonly string[]): Sql =>
  sql`${currency} IN (${joined(
    codes.map((code) => sql`${code}`),
    ', ',
  )})`;

/** Minor units as a decimal number. Multiplied and not divided, because that is exact and keeps the number of decimals. */
function decimal(value: Sql, currency: Sql): Sql {
  const cases = Object.entries(UNUSUAL_DECIMALS).map(([decimals, codes]) => {
    const unit = new Sql((10 ** -Number(decimals)).toFixed(Number(decimals)));
    return sql`WHEN ${isOneOf(currency, codes)} THEN (${value} * ${unit})::text`;
  });
  return sql`CASE ${joined(cases, ' ')} ELSE (${value} * 0.01)::text END`;
}

const isoTime = (value: Sql): Sql =>
  sql`to_char(${value} AT TIME ZONE 'UTC', ${new Sql(`'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`)})`;

/** A leading apostrophe disarms a formula, as in the CSV of other reports. */
const harmless = (value: Sql): Sql => {
  return sql`CASE WHEN left(${value}, 1) IN (${joined(
    FORMULA_STARTS.map((start) => sql`${start}`),
    ', ',
  )}) THEN '''' || ${value} ELSE ${value} END`;
};

/** The cell of a CSV file. */
export function csvCell({ kind, value, currency }: QueryColumn): Sql {
  if (kind === 'money') return decimal(value, currency!);
  if (kind === 'time') return isoTime(value);
  return kind === 'text' ? harmless(value) : value;
}

/** The value of a JSON object: amounts stay integers of minor units. */
export function jsonCell({ kind, value }: QueryColumn): Sql {
  return kind === 'time' ? isoTime(value) : value;
}

/** The cell for a writer of rows, which knows the kinds: decimal amounts, and times in ISO 8601. */
export function plainCell({ kind, value, currency }: QueryColumn): Sql {
  if (kind === 'money') return decimal(value, currency!);
  return kind === 'time' ? isoTime(value) : value;
}

/** The name of a column where amounts are integers of minor units. */
export function minorUnitName({ name, kind }: QueryColumn & { name: string }): string {
  return kind === 'money' ? `${name}_cents` : name;
}
