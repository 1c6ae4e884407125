import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // One row a lane. `pending` counts its unfinished requests, so that the limit and `jobs_ahead` cost no scan.
  // Every accept and every completion rewrites its row: the free half of each page keeps those rewrites local.
  `CREATE TABLE lanes (
    name text PRIMARY KEY,
    next_position bigint NOT NULL DEFAULT 1,
    pending integer NOT NULL DEFAULT 0,
    last_admitted integer NOT NULL DEFAULT 0,
    drain_per_s real NOT NULL DEFAULT 0,
    lease_holder text,
    lease_until timestamptz,
    lease_epoch bigint NOT NULL DEFAULT 0,
    served_at timestamptz NOT NULL DEFAULT '-infinity',
    last_completed_at timestamptz(3),
    CONSTRAINT lanes_pending_check CHECK (pending >= 0)
  ) WITH (fillfactor = 50)`,
  `CREATE INDEX lanes_waiting ON lanes (served_at) WHERE pending > 0`,

  // Payloads are json, not jsonb: the text keeps its key order, so an answer is the same bytes every time it is read.
  `CREATE TABLE requests (
    id uuid PRIMARY KEY,
    mode text NOT NULL,
    status text NOT NULL,
    report text NOT NULL,
    format text NOT NULL,
    lane text,
    queue_position bigint,
    jobs_ahead_at_accept bigint,
    input_payload json NOT NULL,
    result_payload json,
    file_key text,
    error text,
    callback_url text,
    idempotency_key text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    started_at timestamptz(3),
    completed_at timestamptz(3),
    lease_holder text,
    lease_until timestamptz,
    lease_epoch bigint NOT NULL DEFAULT 0,
    CONSTRAINT requests_mode_check CHECK (mode IN ('sync', 'async')),
    CONSTRAINT requests_status_check CHECK (status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    CONSTRAINT requests_lane_check CHECK ((mode = 'async') = (lane IS NOT NULL AND queue_position IS NOT NULL))
  )`,
  `CREATE UNIQUE INDEX requests_position ON requests (lane, queue_position)`,
  `CREATE INDEX requests_unfinished ON requests (lane, queue_position) WHERE status IN ('PENDING', 'PROCESSING')`,
  `CREATE INDEX requests_by_lane ON requests (lane, id)`,
  `CREATE INDEX requests_by_report ON requests (report, id)`,
  `CREATE INDEX requests_by_mode ON requests (mode, id)`,
  // Nearly every request ends COMPLETED; a walk down the primary key finds those, an index of them would only cost.
  `CREATE INDEX requests_by_status ON requests (status, id) WHERE status <> 'COMPLETED'`,
  `CREATE INDEX requests_sync_leases ON requests (lease_until) WHERE mode = 'sync' AND status = 'PROCESSING'`,

  `CREATE TABLE callback_deliveries (
    id uuid PRIMARY KEY,
    request_id uuid NOT NULL UNIQUE REFERENCES requests (id) ON DELETE CASCADE,
    url text NOT NULL,
    destination text NOT NULL,
    lane text NOT NULL,
    queue_position bigint NOT NULL,
    status text NOT NULL DEFAULT 'PENDING',
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
    lease_holder text,
    lease_until timestamptz,
    lease_epoch bigint NOT NULL DEFAULT 0,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    finished_at timestamptz(3),
    CONSTRAINT callback_deliveries_status_check CHECK (status IN ('PENDING', 'SUCCESS', 'FAILED'))
  )`,
  `CREATE INDEX callback_deliveries_first ON callback_deliveries (lane, destination, queue_position)
    WHERE status = 'PENDING' AND attempts = 0`,
  `CREATE INDEX callback_deliveries_retry ON callback_deliveries (next_attempt_at)
    WHERE status = 'PENDING' AND attempts > 0`,

  `CREATE INDEX callback_deliveries_leases ON callback_deliveries (lease_holder) WHERE lease_holder IS NOT NULL`,

  `CREATE TABLE callback_logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id uuid NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    attempt_number integer NOT NULL,
    url text NOT NULL,
    dialled_address text,
    status_code integer,
    success boolean NOT NULL,
    error_kind text,
    error_message text,
    response_time_ms real NOT NULL,
    attempted_at timestamptz(3) NOT NULL,
    next_attempt_at timestamptz(3)
  )`,
  `CREATE INDEX callback_logs_request ON callback_logs (request_id, attempt_number)`,

  // A key points at its request, and the answer is made again from that; `response_*` holds only what cannot be.
  `CREATE TABLE idempotency_keys (
    caller text NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    request_id uuid NOT NULL,
    response_status integer,
    response_body text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, scope, key)
  )`,
  `CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)`,

  `CREATE TABLE workers (
    id text PRIMARY KEY,
    started_at timestamptz(3) NOT NULL DEFAULT now(),
    seen_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
];

/** The first schema: requests and their order, callbacks and their attempts, idempotency keys, worker heartbeats. */
export class InitialSchema1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'DROP TABLE workers, idempotency_keys, callback_logs, callback_deliveries, requests, lanes',
    );
  }
}
