import type { MigrationInterface, QueryRunner } from 'typeorm';

const SCHEDULES = [
  // `attempt_at` is the time at which a worker looks at it: that of the next run, the end of a worker's claim, or the time at
  // which a run that could not be accepted is tried again. `last_due_at` is the newest due time that is settled.
  `CREATE TABLE schedules (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    report text NOT NULL,
    payload json NOT NULL,
    period text,
    every text NOT NULL,
    on_day text,
    at_time text NOT NULL,
    timezone text NOT NULL,
    lane text NOT NULL,
    callback_url text,
    format text,
    compress text,
    is_active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    run_count bigint NOT NULL DEFAULT 0,
    last_due_at timestamptz(3),
    next_due_at timestamptz(3),
    attempt_at timestamptz(3),
    delay_error text,
    skipped_until timestamptz(3),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT schedules_every_check CHECK (every IN ('day', 'week', 'month')),
    CONSTRAINT schedules_period_check CHECK (period IN ('previous_day', 'previous_week', 'previous_month', 'month_to_date')),
    CONSTRAINT schedules_active_check
      CHECK (is_active = (next_due_at IS NOT NULL) AND is_active = (attempt_at IS NOT NULL))
  )`,
  `CREATE INDEX schedules_by_account ON schedules (account_id, id)`,
  `CREATE INDEX schedules_attempt ON schedules (attempt_at) WHERE is_active`,
  `CREATE INDEX schedules_due ON schedules (next_due_at) WHERE is_active`,

  // A due time has one run, which is inserted with its request. The request has no foreign key: it outlives the schedule, and
  // its retention is its own. `due_at` is null for a run that a caller asked for.
  `CREATE TABLE schedule_runs (
    schedule_id uuid NOT NULL CONSTRAINT schedule_runs_schedule_fkey REFERENCES schedules ON DELETE CASCADE,
    number bigint NOT NULL,
    outcome text NOT NULL,
    due_at timestamptz(3),
    request_id uuid,
    error text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (schedule_id, number),
    CONSTRAINT schedule_runs_due UNIQUE (schedule_id, due_at),
    CONSTRAINT schedule_runs_outcome_check CHECK (outcome IN ('accepted', 'refused', 'skipped')),
    CONSTRAINT schedule_runs_request_check CHECK ((outcome = 'accepted') = (request_id IS NOT NULL))
  )`,
  `CREATE INDEX schedule_runs_age ON schedule_runs (created_at)`,
];

/** Schedules of recurring reports, and their runs. */
export class Schedules1767657600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of SCHEDULES) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE schedule_runs, schedules');
  }
}
