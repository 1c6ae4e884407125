import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // Who sends a stream right now, and which attempts of it may be on their way: they are written here before they are
  // sent. One small row is rewritten for many attempts; a row for each of them would be written twice.
  `CREATE TABLE callback_streams (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination text NOT NULL,
    lane text NOT NULL,
    lease_holder text NOT NULL,
    lease_until timestamptz NOT NULL,
    started uuid[] NOT NULL,
    started_numbers integer[] NOT NULL,
    started_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT callback_streams_one UNIQUE (destination, lane)
  ) WITH (fillfactor = 50)`,

  `CREATE TABLE callback_destinations (
    destination text PRIMARY KEY,
    state text NOT NULL DEFAULT 'closed',
    failures integer NOT NULL DEFAULT 0,
    openings integer NOT NULL DEFAULT 0,
    opened_at timestamptz(3),
    open_until timestamptz(3),
    changed_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT callback_destinations_state_check CHECK (state IN ('closed', 'open', 'half_open'))
  )`,

  // A URL may be longer than an entry of a btree; equality is all that is asked.
  `CREATE TABLE callback_disabled_urls (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    url text NOT NULL,
    destination text NOT NULL,
    request_id uuid NOT NULL,
    disabled_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT callback_disabled_urls_one EXCLUDE USING hash (url WITH =)
  )`,
  `CREATE INDEX callback_disabled_urls_destination ON callback_disabled_urls (destination, disabled_at)`,

  `ALTER TABLE callback_deliveries
    ADD COLUMN unknown integer NOT NULL DEFAULT 0,
    ADD COLUMN error text,
    DROP COLUMN lease_epoch`,
  // By destination first: what waits for one that is down is passed over in one step, however much it is.
  `DROP INDEX callback_deliveries_first, callback_deliveries_retry, callback_deliveries_strict,
    callback_deliveries_unordered`,
  `CREATE INDEX callback_deliveries_first ON callback_deliveries (destination, lane, queue_position)
    WHERE status = 'PENDING' AND attempts = 0`,
  `CREATE INDEX callback_deliveries_retry ON callback_deliveries (destination, next_attempt_at)
    WHERE status = 'PENDING' AND attempts > 0`,
  `CREATE INDEX callback_deliveries_strict ON callback_deliveries (destination, lane, queue_position)
    WHERE status = 'PENDING' AND attempts > 0`,

  // An attempt that was recorded twice, because the connection broke after the commit, stood there twice.
  `DELETE FROM callback_logs l USING callback_logs first
    WHERE first.request_id = l.request_id AND first.attempt_number = l.attempt_number AND first.id < l.id`,
  `DROP INDEX callback_logs_request`,
  `CREATE UNIQUE INDEX callback_logs_attempt ON callback_logs (request_id, attempt_number)`,
];

const DOWN = [
  `DROP INDEX callback_logs_attempt`,
  `CREATE INDEX callback_logs_request ON callback_logs (request_id, attempt_number)`,
  `DROP INDEX callback_deliveries_first, callback_deliveries_retry, callback_deliveries_strict`,
  `CREATE INDEX callback_deliveries_first ON callback_deliveries (lane, destination, queue_position)
    WHERE status = 'PENDING' AND attempts = 0`,
  `CREATE INDEX callback_deliveries_retry ON callback_deliveries (next_attempt_at)
    WHERE status = 'PENDING' AND attempts > 0`,
  `CREATE INDEX callback_deliveries_strict ON callback_deliveries (lane, destination, queue_position)
    WHERE status = 'PENDING'`,
  `CREATE INDEX callback_deliveries_unordered ON callback_deliveries (next_attempt_at)
    WHERE status = 'PENDING' AND attempts = 0`,
  // The older code numbers an attempt by those that were counted.
  `UPDATE callback_deliveries SET attempts = attempts + unknown, schedule_start = schedule_start + unknown
    WHERE unknown > 0 AND attempts > 0`,
  `ALTER TABLE callback_deliveries DROP COLUMN unknown, DROP COLUMN error,
    ADD COLUMN lease_epoch bigint NOT NULL DEFAULT 0`,
  `DROP TABLE callback_disabled_urls, callback_destinations, callback_streams`,
];

/** Attempts are on record before they are sent; destinations have a breaker; URLs that are gone are not called. */
export class CallbackDispatch1764600000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await queryRunner.query(statement);
  }
}
