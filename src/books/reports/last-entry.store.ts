import type { Snapshot } from '../../platform/database/snapshot.js';
import { type Sql, sql } from '../../platform/database/sql.js';
import type { Selection } from './selection.js';

const lastEntry = ({ account, throughEntry }: Selection): Sql =>
  sql`FROM journal_entries WHERE account_id = ${account} AND number = ${throughEntry}`;

/** @returns Whether a snapshot has the last entry that counts, and so all before it. */
export async function hasLastEntry(snapshot: Snapshot, selection: Selection): Promise<boolean> {
  return selection.throughEntry === 0 || (await snapshot.rows(sql`SELECT 1 ${lastEntry(selection)}`)).length > 0;
}

/** @returns The time at which the last entry that counts was recorded; null without entries. */
export async function lastRecordedAt(snapshot: Snapshot, selection: Selection): Promise<string | null> {
  const [entry] = await snapshot.rows<{ at: Date }>(sql`SELECT recorded_at AS at ${lastEntry(selection)}`);
  return entry?.at.toISOString() ?? null;
}
