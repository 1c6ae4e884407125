import { Injectable } from '@nestjs/common';
import { Database, type Query } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { RunOutcome } from '../schedule-run.entity.js';
import type { Schedule } from '../schedule.entity.js';
import type { ScheduleColumns } from '../schedule.repository.js';

/** A schedule that a worker has claimed. */
export type DueSchedule = Pick<Schedule, 'id' | 'accountId' | 'version'> &
  Omit<ScheduleColumns, 'name' | 'isActive' | 'nextDueAt'> & {
    /** The due time to settle. */
    nextDueAt: Date;
    /** The time of the database. */
    now: Date;
  };

/** How a due time ended. */
export interface Settlement {
  outcome: RunOutcome;
  /** By default the next due time of the schedule; of skipped ones, the last. */
  dueAt?: Date;
  /** The due time after it. */
  nextDueAt: Date;
  requestId?: string;
  error?: string;
}

/**
 * `now()`, because an index cannot be used for a condition on `clock_timestamp()`. An array, because a join could become a
 * scan.
 */
const CLAIM = statement(
  'schedules_claim',
  `UPDATE schedules s SET attempt_at = clock_timestamp() + :leaseMs * interval '1 millisecond'
    WHERE id = ANY (ARRAY(
      SELECT id FROM schedules WHERE is_active AND attempt_at <= now() ORDER BY attempt_at LIMIT :limit
      FOR UPDATE SKIP LOCKED))
    RETURNING s.id, s.account_id AS "accountId", s.version, s.report, s.payload, s.period, s.every, s.on_day AS "onDay",
      s.at_time AS at, s.timezone, s.lane, s.callback_url AS "callbackUrl", s.format, s.compress,
      s.next_due_at AS "nextDueAt", now() AS now`,
);

const NEXT_ATTEMPT = statement(
  'schedules_next_attempt',
  `SELECT extract(epoch FROM min(attempt_at) - clock_timestamp())::float8 * 1000 AS "inMs" FROM schedules WHERE is_active`,
);

const LAG = statement(
  'schedules_lag',
  `SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(next_due_at)))::float8 AS "lagS"
    FROM schedules WHERE is_active`,
);

/** The guards: no other process has settled this due time, and no caller has changed the schedule. */
const SETTLE = statement(
  'schedule_settle',
  `WITH settled AS (
      UPDATE schedules SET run_count = run_count + 1, last_due_at = :dueAt::timestamptz, next_due_at = :nextDueAt::timestamptz,
        attempt_at = :nextDueAt::timestamptz, delay_error = NULL,
        skipped_until = CASE WHEN :outcome = 'skipped' THEN :dueAt::timestamptz ELSE skipped_until END
      WHERE id = :id AND version = :version AND next_due_at = :expectedDueAt
      RETURNING id, run_count
    )
    INSERT INTO schedule_runs (schedule_id, number, outcome, due_at, request_id, error)
    SELECT id, run_count, :outcome, :dueAt::timestamptz, :requestId::uuid, :error FROM settled
    RETURNING number`,
);

/** Of a due time that has a run already. */
const MOVE_ON = statement(
  'schedule_move_on',
  `UPDATE schedules SET last_due_at = :dueAt, next_due_at = :nextDueAt, attempt_at = :nextDueAt, delay_error = NULL
    WHERE id = :id AND version = :version AND next_due_at = :dueAt`,
);

const DELAY = statement(
  'schedule_delay',
  `UPDATE schedules SET attempt_at = clock_timestamp() + :delayMs * interval '1 millisecond', delay_error = :error
    WHERE id = :id AND version = :version AND next_due_at = :dueAt`,
);

const ADD_RUN = statement(
  'schedule_add_run',
  `WITH counted AS (
      UPDATE schedules SET run_count = run_count + 1 WHERE account_id = :accountId AND id = :id RETURNING id, run_count
    )
    INSERT INTO schedule_runs (schedule_id, number, outcome, request_id)
    SELECT id, run_count, 'accepted', :requestId::uuid FROM counted
    RETURNING number, created_at AS "createdAt"`,
);

/** Runs do not change, so the place of a locked one does not either. */
const REMOVE_RUNS = statement(
  'schedule_runs_remove',
  `DELETE FROM schedule_runs WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM schedule_runs WHERE created_at < now() - :ageMs * interval '1 millisecond'
      ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING number`,
);

/**
 * The due times of schedules, which any number of processes settle together, by the clock of the database. Hand-written, because
 * each due time must be settled once: its run is inserted and its schedule moves on in one statement, in the transaction that
 * accepts its request. A claim only keeps other workers from the same work for a while; the guards of {@link SETTLE} and the
 * unique key of the runs decide.
 */
@Injectable()
export class DueSchedulesStore {
  constructor(private readonly database: Database) {}

  /** Claims up to `limit` schedules that are due, the longest due first. No other worker looks at them for `leaseMs`. */
  claim(limit: number, leaseMs: number): Promise<DueSchedule[]> {
    return this.database.query(CLAIM, { limit, leaseMs });
  }

  /** @returns Milliseconds until a worker should claim again; null if no schedule is active. */
  async nextAttemptInMs(): Promise<number | null> {
    const [row]: { inMs: number | null }[] = await this.database.query(NEXT_ATTEMPT);
    return row?.inMs ?? null;
  }

  /** @returns Seconds since the oldest due time that is not settled; 0 if none is due. */
  async lagS(): Promise<number> {
    const [row]: { lagS: number | null }[] = await this.database.query(LAG);
    return row?.lagS ?? 0;
  }

  /**
   * Settles a due time.
   * @param query Of the transaction that accepts its request.
   * @returns False if another process has settled it, or a caller has changed the schedule.
   */
  async settle(schedule: DueSchedule, settlement: Settlement, query: Query = this.database.query): Promise<boolean> {
    const { id, version, nextDueAt: expectedDueAt } = schedule;
    const { outcome, dueAt = expectedDueAt, nextDueAt, requestId = null, error = null } = settlement;
    const values = { id, version, expectedDueAt, outcome, dueAt, nextDueAt, requestId, error };
    return (await query(SETTLE, values)).length > 0;
  }

  /** Moves a schedule on from a due time that has a run already. */
  async moveOn({ id, version, nextDueAt: dueAt }: DueSchedule, nextDueAt: Date): Promise<void> {
    await this.database.query(MOVE_ON, { id, version, dueAt, nextDueAt });
  }

  /** Has a due time tried again later. @param error The reason, for callers. */
  async delay({ id, version, nextDueAt: dueAt }: DueSchedule, delayMs: number, error: string): Promise<void> {
    await this.database.query(DELAY, { id, version, dueAt, delayMs, error });
  }

  /**
   * Adds a run that a caller asked for.
   * @param query Of the transaction that accepts its request.
   * @returns Null if the account has no such schedule.
   */
  async addRun(
    query: Query,
    accountId: string,
    id: string,
    requestId: string,
  ): Promise<{ number: number; createdAt: Date } | null> {
    const rows: { number: number; createdAt: Date }[] = await query(ADD_RUN, { accountId, id, requestId });
    return rows[0] ?? null;
  }

  /** Deletes up to `limit` runs that are older. @returns Their number. */
  async removeRuns(ageMs: number, limit: number): Promise<number> {
    return (await this.database.query(REMOVE_RUNS, { ageMs, limit })).length;
  }
}
