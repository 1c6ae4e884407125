import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';

/** A delivery whose try sent nothing, for a reason that is not the receiver's. */
export interface Postponement {
  deliveryId: string;
  /** The number of the attempt that was not made. The next try has it again. */
  attemptNumber: number;
  reason: string;
  /** Time of the next try by `performance.now()` of this process. */
  retryAtMs: number;
}

const POSTPONE = statement(
  'delivery_postpone',
  `
  WITH locked AS (
    SELECT d.id, t.reason, t.retry_in_ms
    FROM callback_deliveries d
    JOIN unnest(:ids::uuid[], :numbers::integer[], :reasons::text[], :delays::float8[]) AS t (id, number, reason, retry_in_ms)
      ON d.id = t.id
    WHERE d.id = ANY (:ids::uuid[]) AND d.finished_at IS NULL AND d.attempts + d.unknown + 1 = t.number
    ORDER BY d.id FOR UPDATE OF d
  )
  UPDATE callback_deliveries d SET error = l.reason, waiting_since = coalesce(d.waiting_since, now()),
    next_attempt_at = now() + l.retry_in_ms * interval '1 millisecond', leased_by = NULL, lease_until = NULL
  FROM locked l WHERE d.id = l.id`,
);

/**
 * Postpones deliveries without an attempt. Hand-written: a batch is one statement that locks deliveries by id, as every statement
 * that moves them does, and the attempt number guards the move.
 */
@Injectable()
export class PostponementsStore {
  constructor(private readonly database: Database) {}

  /** Postpones deliveries and ends their leases as retries. Those that were attempted or ended meanwhile are left unchanged. */
  async postpone(postponements: Postponement[]): Promise<void> {
    const nowMs = performance.now();
    await this.database.query(POSTPONE, {
      ids: postponements.map(({ deliveryId }) => deliveryId),
      numbers: postponements.map(({ attemptNumber }) => attemptNumber),
      reasons: postponements.map(({ reason }) => reason),
      // Durations and not times: the clocks of a worker and of the database may differ.
      delays: postponements.map(({ retryAtMs }) => retryAtMs - nowMs),
    });
  }
}
