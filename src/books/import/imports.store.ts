import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { RowError } from './file/import-row.js';
import type { ImportStatus } from './order-import.entity.js';

/** Counts of an import, or of one batch of it. */
export interface Counts {
  /** Lines read, without the header and blank ones. */
  rows: number;
  created: number;
  duplicates: number;
  failed: number;
}

/** An import as it is read. */
export interface ImportRow extends Counts {
  id: string;
  status: ImportStatus;
  createdAt: Date;
  finishedAt: Date | null;
}

/** Age of the heartbeat at which a running import is interrupted: its process died or was silent. It never runs on then. */
const STALE = `interval '30 seconds'`;
/** Imports of an account whose errors are kept, and those whose errors are deleted at the start of a new one. */
const KEPT_IMPORTS = 100;
const DELETED_IMPORTS = 10;

const START = statement(
  'order_import_start',
  `WITH old AS (
    DELETE FROM order_import_errors WHERE import_id IN (
      SELECT id FROM order_imports WHERE account_id = :account::uuid ORDER BY id DESC
      OFFSET ${KEPT_IMPORTS} LIMIT ${DELETED_IMPORTS}
    )
  )
  INSERT INTO order_imports (id, account_id) VALUES (:id::uuid, :account::uuid)`,
);

const RUNNING = `id = :id AND status = 'running' AND heartbeat_at > clock_timestamp() - ${STALE}` as const;

const HEARTBEAT = statement(
  'order_import_heartbeat',
  `UPDATE order_imports SET heartbeat_at = clock_timestamp() WHERE ${RUNNING}`,
);

const ADVANCE = statement(
  'order_import_advance',
  `UPDATE order_imports SET rows = rows + :rows, created = created + :created, duplicates = duplicates + :duplicates,
    failed = failed + :failed, heartbeat_at = clock_timestamp()
  WHERE ${RUNNING} RETURNING id`,
);

const ADD_ERRORS = statement(
  'order_import_add_errors',
  `INSERT INTO order_import_errors (import_id, ordinal, row, external_ref, field, message)
  SELECT :id::uuid, :after::integer + e.ordinal, e.row, e.external_ref, e.field, e.message
  FROM unnest(:rows::bigint[], :externalRefs::text[], :fields::text[], :messages::text[]) WITH ORDINALITY
    AS e (row, external_ref, field, message, ordinal)`,
);

const FINISH = statement(
  'order_import_finish',
  `UPDATE order_imports SET status = :status, finished_at = clock_timestamp() WHERE id = :id AND status = 'running'`,
);

// now(), because the planner merges no subquery with a volatile function such as clock_timestamp() into the list's order.
const VIEW = `SELECT id, rows, created, duplicates, failed, created_at AS "createdAt",
    CASE WHEN is_stale THEN 'interrupted' ELSE status END AS status,
    CASE WHEN is_stale THEN heartbeat_at ELSE finished_at END AS "finishedAt"
  FROM (SELECT *, status = 'running' AND heartbeat_at <= now() - ${STALE} AS is_stale FROM order_imports) i` as const;

const FIND = statement('order_import_find', `${VIEW} WHERE account_id = :account AND id = :id`);

const LIST = statement(
  'order_import_list',
  `${VIEW} WHERE account_id = :account::uuid AND id < :beforeId::uuid ORDER BY id DESC LIMIT :limit`,
);
/** Above every UUIDv7. */
const NEWEST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const ERRORS = statement(
  'order_import_errors',
  `SELECT ordinal, row, external_ref AS "externalRef", field, message FROM order_import_errors
  WHERE import_id = :id AND ordinal > :after ORDER BY ordinal LIMIT :limit`,
);

const REMOVE_EXPIRED = statement(
  'order_import_remove_expired',
  `WITH expired AS (
    SELECT id FROM order_imports WHERE created_at < now() - :ageMs * interval '1 millisecond'
      AND (status <> 'running' OR heartbeat_at <= clock_timestamp() - ${STALE})
    ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
  )
  DELETE FROM order_imports i USING expired WHERE i.id = expired.id RETURNING i.id`,
);

/**
 * Imports and their errors. Hand-written SQL, because the counts and errors of a batch belong to the transaction that imports
 * it, and a guarded write decides whether an import still runs.
 */
@Injectable()
export class ImportsStore {
  constructor(private readonly database: Database) {}

  /** Adds a running import. Deletes the errors of old imports of the account. */
  async start(account: string, id: string): Promise<void> {
    await this.database.query(START, { account, id });
  }

  async heartbeat(id: string): Promise<void> {
    await this.database.query(HEARTBEAT, { id });
  }

  /** Adds the counts of a batch. @param query Of its transaction. @returns Whether the import still runs. */
  async advance(query: Query, id: string, counts: Counts): Promise<boolean> {
    const rows: object[] = await query(ADVANCE, { id, ...counts });
    return rows.length === 1;
  }

  /** @param after Errors that the import has. */
  async addErrors(query: Query, id: string, errors: readonly RowError[], after: number): Promise<void> {
    if (errors.length === 0) return;
    await query(ADD_ERRORS, {
      id,
      after,
      rows: errors.map(({ row }) => row),
      externalRefs: errors.map(({ externalRef }) => externalRef),
      fields: errors.map(({ field }) => field),
      messages: errors.map(({ message }) => message),
    });
  }

  /** No effect on an import that has ended. */
  async finish(id: string, status: Exclude<ImportStatus, 'running'>): Promise<void> {
    await this.database.query(FINISH, { id, status });
  }

  async find(account: string, id: string): Promise<ImportRow | null> {
    const [row]: ImportRow[] = await this.database.query(FIND, { account, id });
    return row ?? null;
  }

  /** @returns Imports, newest first. */
  async list(account: string, beforeId: string | undefined, limit: number): Promise<ImportRow[]> {
    const rows: ImportRow[] = await this.database.query(LIST, { account, beforeId: beforeId ?? NEWEST, limit });
    return rows;
  }

  /** @param after Ordinal of the last error that was read; 0 for the first page. @returns Errors in their order. */
  async errors(id: string, after: number, limit: number): Promise<(RowError & { ordinal: number })[]> {
    const rows: (RowError & { ordinal: number })[] = await this.database.query(ERRORS, { id, after, limit });
    return rows;
  }

  /** Deletes up to `limit` ended imports of an age, with their errors. @returns Their number. */
  async removeExpired(ageMs: number, limit: number): Promise<number> {
    const rows: object[] = await this.database.query(REMOVE_EXPIRED, { ageMs, limit });
    return rows.length;
  }
}
