/** Rows are counted up to this number, and pages begin below it. */
export const MOST_COUNTED = 10_000;
/** Rows that one statement reads to find those that match. */
const MOST_READ = 20_000;

/** Rows of a growing table in one state. */
export interface StateRows {
  /** A query of the `id` and the columns of the filter, in the order of an index, without a limit. */
  rows: string;
  /** A condition on those columns that no index has. By default, every row matches. */
  filter?: string;
}

/*
 * A page and a count read up to MOST_READ entries of an index, however large the table is. Rows behind them are neither
 * listed nor counted, which is enough for a view of what happens now.
 */
const bounded = ({ rows, filter = 'true' }: StateRows): string =>
  `SELECT r.id FROM (SELECT * FROM (${rows}) ordered LIMIT ${MOST_READ}) r WHERE ${filter}`;

/** @returns A statement with the parameters limit and offset that returns the ids of a page. */
export function pageText(state: StateRows): string {
  return `${bounded(state)} LIMIT $1 OFFSET $2`;
}

/** @returns A statement that returns the number of rows in each state, in a column of its name. */
export function countsText(states: Record<string, StateRows>): string {
  const columns = Object.entries(states).map(
    ([name, state]) => `(SELECT count(*)::integer FROM (${bounded(state)} LIMIT ${MOST_COUNTED}) counted) AS "${name}"`,
  );
  return `SELECT ${columns.join(', ')}`;
}

/**
 * Rows with one of these statuses, newest first, by the index over status and id.
 * @param columns Those that a filter needs, and `id`.
 */
export function statusRows(table: string, statuses: readonly string[], columns = 'id'): StateRows {
  // With `=`, the status would be a constant, and the planner could read the primary key to find a status that is rare there.
  const parts = statuses.map(
    (status) =>
      `SELECT ${columns} FROM ${table} WHERE status BETWEEN '${status}' AND '${status}' ORDER BY status DESC, id DESC`,
  );
  if (parts.length === 1) return { rows: parts[0]! };
  const limited = parts.map((part) => `(${part} LIMIT ${MOST_COUNTED})`);
  return { rows: `SELECT ${columns} FROM (${limited.join(' UNION ALL ')}) s ORDER BY id DESC` };
}

/**
 * Rows with a status that no index has, because most rows have it. A backlog of newer rows may hide them, so the rows before
 * the oldest pending one are read too.
 */
export function commonRows(table: string, status: { common: string; pending: string }): StateRows {
  const newest = `SELECT id, status FROM ${table} ORDER BY id DESC LIMIT ${MOST_READ / 2}`;
  const last = `SELECT id FROM ${table} ORDER BY id DESC OFFSET ${MOST_READ / 2 - 1} LIMIT 1`;
  const oldestPending = `SELECT id FROM ${table} WHERE status = '${status.pending}' ORDER BY id LIMIT 1`;
  const older = `SELECT id, status FROM ${table} WHERE id < (${last}) AND id < coalesce((${oldestPending}), (${last}))
    ORDER BY id DESC LIMIT ${MOST_READ / 2}`;
  return { rows: `(${newest}) UNION ALL (${older})`, filter: `status = '${status.common}'` };
}
