import pg from 'pg';

/** A piece of SQL without parameters, which other pieces may contain. */
export class Sql {
  constructor(readonly text: string) {}
}

/** A value in a piece of SQL. */
export type SqlValue = Sql | string | number | boolean | Date | null;

/**
 * Writes SQL with its values as literals, for statements that take no parameters: `COPY (SELECT …) TO STDOUT`.
 * Every value is escaped; only another piece of SQL is put in as it is.
 */
export function sql(texts: TemplateStringsArray, ...values: readonly SqlValue[]): Sql {
  return new Sql(texts.reduce((text, next, index) => text + literal(values[index - 1] ?? null) + next));
}

/** Joins pieces of SQL. */
export function joined(pieces: readonly Sql[], separator: string): Sql {
  return new Sql(pieces.map(({ text }) => text).join(separator));
}

/** @param cells Values with their names. @param rows `FROM …`. @param orderBy A total order. */
export function select(cells: readonly Sql[], rows: Sql, orderBy: string): Sql {
  return sql`SELECT ${joined(cells, ', ')} ${rows} ORDER BY ${new Sql(orderBy)}`;
}

function literal(value: SqlValue): string {
  if (value instanceof Sql) return value.text;
  if (value === null) return 'NULL';
  if (value instanceof Date) return `${pg.escapeLiteral(value.toISOString())}::timestamptz`;
  if (typeof value === 'string') return pg.escapeLiteral(value);
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`Not a number in SQL: ${value}`);
  // A negative number behind a minus sign would begin a comment.
  return typeof value === 'number' ? `(${value})` : String(value);
}
