import type { MigrationInterface, QueryRunner } from 'typeorm';

const REQUESTS = [
  // One row per lane. `pending` counts its unfinished requests, so the limit and `jobs_ahead` need no scan. Every accept
  // and every completion rewrites the row: the free half of each page keeps those rewrites local.
  `CREATE TABLE lanes (
    name text PRIMARY KEY,
    next_position bigint NOT NULL DEFAULT 1,
    pending integer NOT NULL DEFAULT 0,
    last_admitted integer NOT NULL DEFAULT 0,
    reserved_bytes bigint NOT NULL DEFAULT 0,
    throughput_per_s real NOT NULL DEFAULT 0,
    leased_by text,
    lease_until timestamptz,
    lease_epoch bigint NOT NULL DEFAULT 0,
    served_at timestamptz NOT NULL DEFAULT now(),
    last_completed_at timestamptz(3),
    paused boolean NOT NULL DEFAULT false,
    priority integer NOT NULL DEFAULT 0,
    isolate_until bigint NOT NULL DEFAULT 0,
    CONSTRAINT lanes_pending_check CHECK (pending >= 0)
  ) WITH (fillfactor = 50)`,
  // The order in which an account's lanes are leased. In UTC, because an index may not depend on the time zone of a session.
  // An index over expressions instead of stored columns: no statement that writes their parts can forget to update them.
  `CREATE INDEX lanes_waiting ON lanes ((CASE WHEN strpos(name, '/') > 0 THEN split_part(name, '/', 1) ELSE '-' END),
    ((served_at AT TIME ZONE 'UTC') - priority * interval '1 second')) WHERE pending > 0 AND NOT paused`,
  // Paused lanes are not in the index before, where a claim would have to skip them.
  `CREATE INDEX lanes_paused ON lanes (name) WHERE paused`,
  `CREATE INDEX lanes_idle ON lanes (served_at, name) WHERE pending = 0 AND NOT paused AND priority = 0`,
  // A lane of an account is named `<account id>/<lane>`.
  `CREATE INDEX lanes_by_account ON lanes (split_part(name, '/', 1), name) WHERE strpos(name, '/') > 0`,

  // Where new lanes of an account begin, so that a lane which comes back after it was reaped repeats no position.
  `CREATE TABLE reaped_lanes (
    account text PRIMARY KEY,
    next_position bigint NOT NULL
  )`,

  // Positions of cancelled requests that the lane has not passed yet: `jobs_ahead` follows from the lane's counters.
  `CREATE TABLE cancelled_positions (
    lane text NOT NULL CONSTRAINT cancelled_positions_lane_fkey REFERENCES lanes ON DELETE CASCADE,
    queue_position bigint NOT NULL,
    PRIMARY KEY (lane, queue_position)
  )`,

  // Payloads are json, not jsonb: the text keeps its key order, so a response is the same bytes every time it is read.
  // account_id has no foreign key: accounts are never deleted, and accepting a request should not have to look one up.
  `CREATE TABLE requests (
    id uuid PRIMARY KEY,
    account_id uuid,
    mode text NOT NULL,
    status text NOT NULL,
    report text NOT NULL,
    format text NOT NULL,
    lane text,
    queue_position bigint,
    jobs_ahead_at_accept bigint,
    estimated_bytes bigint NOT NULL DEFAULT 0,
    input_payload json NOT NULL,
    result_payload json,
    file_key text,
    file_bytes bigint,
    error text,
    callback_url text,
    idempotency_key text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    started_at timestamptz(3),
    completed_at timestamptz(3),
    leased_by text,
    lease_until timestamptz,
    lease_epoch bigint NOT NULL DEFAULT 0,
    crashed_workers text[],
    CONSTRAINT requests_mode_check CHECK (mode IN ('sync', 'async')),
    CONSTRAINT requests_status_check CHECK (status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    CONSTRAINT requests_lane_check CHECK ((mode = 'async') = (lane IS NOT NULL AND queue_position IS NOT NULL))
  )`,
  `CREATE UNIQUE INDEX requests_position ON requests (lane, queue_position)`,
  `CREATE INDEX requests_unfinished ON requests (lane, queue_position) WHERE status IN ('PENDING', 'PROCESSING')`,
  `CREATE INDEX requests_by_lane ON requests (lane, id)`,
  `CREATE INDEX requests_by_report ON requests (report, id)`,
  `CREATE INDEX requests_by_mode ON requests (mode, id)`,
  // Nearly every request ends COMPLETED. A walk down the primary key finds those; indexing them would cost every request.
  `CREATE INDEX requests_by_status ON requests (status, id) WHERE status <> 'COMPLETED'`,
  `CREATE INDEX requests_by_account ON requests (account_id, id) WHERE account_id IS NOT NULL`,
  `CREATE INDEX requests_by_account_report ON requests (account_id, report, id) WHERE account_id IS NOT NULL`,
  `CREATE INDEX requests_by_account_mode ON requests (account_id, mode, id) WHERE account_id IS NOT NULL`,
  `CREATE INDEX requests_by_account_status ON requests (account_id, status, id)
    WHERE account_id IS NOT NULL AND status <> 'COMPLETED'`,
  `CREATE INDEX requests_sync_leases ON requests (lease_until) WHERE mode = 'sync' AND status = 'PROCESSING'`,
  // Nearly always empty, so it costs the other requests nothing.
  `CREATE INDEX requests_crashed ON requests (id)
    WHERE crashed_workers IS NOT NULL AND status IN ('PENDING', 'PROCESSING')`,

  // A key points at its request, and the response is rendered again from that; `response_*` holds only what cannot be.
  `CREATE TABLE idempotency_keys (
    caller text NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    request_id uuid,
    response_status integer,
    response_body text,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, scope, key)
  )`,
  `CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)`,

  // The bytes of each account's files, and the changes that the sweep has not folded into them yet. Accounts are not
  // referenced: requests accepted with AUTH=open count under the nil UUID.
  `CREATE TABLE account_storage (
    account_id uuid PRIMARY KEY,
    bytes bigint NOT NULL
  )`,
  `CREATE TABLE account_storage_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid NOT NULL,
    bytes bigint NOT NULL
  )`,

  `CREATE TABLE workers (
    id text PRIMARY KEY,
    started_at timestamptz(3) NOT NULL DEFAULT now(),
    seen_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
];

const QUEUES = [
  // A row for each paused queue, which workers look for when they claim work of it.
  `CREATE TABLE queue_pauses (
    queue text PRIMARY KEY,
    paused_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT queue_pauses_queue_check CHECK (queue IN ('reports', 'callbacks', 'mail'))
  )`,
];

const CALLBACKS = [
  // No foreign keys to requests here: deliveries and logs are written by statements that hold the lock on what they refer
  // to, and are deleted by the statement that deletes the request.
  `CREATE TABLE callback_deliveries (
    id uuid PRIMARY KEY,
    request_id uuid NOT NULL CONSTRAINT callback_deliveries_request_id_key UNIQUE,
    url text NOT NULL,
    account_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    destination text NOT NULL,
    lane text NOT NULL,
    queue_position bigint NOT NULL,
    status text NOT NULL DEFAULT 'PENDING',
    attempts integer NOT NULL DEFAULT 0,
    unknown integer NOT NULL DEFAULT 0,
    error text,
    schedule_start integer NOT NULL DEFAULT 0,
    redelivery_id uuid,
    waiting_since timestamptz(3),
    next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
    leased_by text,
    lease_until timestamptz,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    finished_at timestamptz(3),
    CONSTRAINT callback_deliveries_status_check CHECK (status IN ('PENDING', 'SUCCESS', 'FAILED'))
  )`,
  // By destination of an account first: what waits for one that is down is skipped in one step, however much it is.
  `CREATE INDEX callback_deliveries_first ON callback_deliveries (account_id, destination, lane, queue_position)
    WHERE status = 'PENDING' AND attempts = 0`,
  `CREATE INDEX callback_deliveries_retry ON callback_deliveries (account_id, destination, next_attempt_at)
    WHERE status = 'PENDING' AND attempts > 0`,
  `CREATE INDEX callback_deliveries_strict ON callback_deliveries (account_id, destination, lane, queue_position)
    WHERE status = 'PENDING' AND attempts > 0`,
  // Most end as SUCCESS; those are found by id.
  `CREATE INDEX callback_deliveries_by_status ON callback_deliveries (status, id) WHERE status <> 'SUCCESS'`,
  `CREATE INDEX callback_deliveries_by_account ON callback_deliveries (split_part(lane, '/', 1), id)
    WHERE strpos(lane, '/') > 0`,
  `CREATE INDEX callback_deliveries_by_destination ON callback_deliveries (destination, id)`,
  // The failed ones of a destination that mostly works would be far apart in the index before.
  `CREATE INDEX callback_deliveries_failed ON callback_deliveries (destination, id) WHERE status = 'FAILED'`,
  `CREATE INDEX callback_deliveries_replayed ON callback_deliveries (redelivery_id)
    WHERE status = 'PENDING' AND redelivery_id IS NOT NULL`,
  `CREATE INDEX callback_deliveries_leases ON callback_deliveries (leased_by) WHERE leased_by IS NOT NULL`,

  `CREATE TABLE callback_logs (
    request_id uuid NOT NULL,
    attempt_number integer NOT NULL,
    trigger text NOT NULL DEFAULT 'first',
    url text NOT NULL,
    dialled_address text,
    status_code integer,
    success boolean,
    error_kind text,
    error_message text,
    request_headers json,
    body_bytes integer,
    body_sha256 text,
    response_headers json,
    response_body text,
    dns_ms real,
    connect_ms real,
    tls_ms real,
    first_byte_ms real,
    response_time_ms real,
    attempted_at timestamptz(3) NOT NULL,
    next_attempt_at timestamptz(3),
    PRIMARY KEY (request_id, attempt_number)
  )`,

  // The delivery queues (one lane, one destination) that a worker has leased, and which of their attempts may be in flight:
  // these are recorded here before they are sent. One small row is rewritten for many attempts; a row per attempt would be
  // written twice.
  `CREATE TABLE callback_queues (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination text NOT NULL,
    lane text NOT NULL,
    leased_by text NOT NULL,
    lease_until timestamptz NOT NULL,
    started uuid[] NOT NULL,
    started_numbers integer[] NOT NULL,
    started_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT callback_queues_one UNIQUE (destination, lane)
  ) WITH (fillfactor = 50)`,

  `CREATE TABLE callback_destinations (
    account_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    destination text NOT NULL,
    state text NOT NULL DEFAULT 'closed',
    failures integer NOT NULL DEFAULT 0,
    openings integer NOT NULL DEFAULT 0,
    opened_at timestamptz(3),
    open_until timestamptz(3),
    changed_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, destination),
    CONSTRAINT callback_destinations_state_check CHECK (state IN ('closed', 'open', 'half_open'))
  )`,
  // The id is derived from account and URL, which may be longer than an entry of a btree.
  `CREATE TABLE callback_disabled_urls (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    url text NOT NULL,
    destination text NOT NULL,
    request_id uuid NOT NULL,
    disabled_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
  )`,
  `CREATE INDEX callback_disabled_urls_url ON callback_disabled_urls USING hash (url)`,
  `CREATE INDEX callback_disabled_urls_destination ON callback_disabled_urls (account_id, destination, disabled_at)`,
  `CREATE INDEX callback_disabled_urls_age ON callback_disabled_urls (disabled_at)`,

  `CREATE TABLE callback_redeliveries (
    id uuid PRIMARY KEY,
    account_id uuid,
    status text NOT NULL DEFAULT 'RUNNING',
    callback_status text,
    destination text,
    requests json,
    since timestamptz(3),
    until timestamptz(3) NOT NULL,
    matched integer NOT NULL,
    redelivered integer NOT NULL DEFAULT 0,
    last_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    advanced_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    finished_at timestamptz(3),
    CONSTRAINT callback_redeliveries_status_check CHECK (status IN ('RUNNING', 'COMPLETED', 'CANCELLED'))
  )`,
  `CREATE INDEX callback_redeliveries_running ON callback_redeliveries (advanced_at) WHERE status = 'RUNNING'`,
  `CREATE INDEX callback_redeliveries_age ON callback_redeliveries (finished_at) WHERE finished_at IS NOT NULL`,
  // The rate of redeliveries of an account to a destination. The nil UUID is the account of an open installation.
  `CREATE TABLE callback_redelivery_paces (
    account_id uuid NOT NULL,
    destination text NOT NULL,
    next_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, destination)
  )`,

  // The nil UUID is the account of an open installation (AUTH=open).
  `CREATE TABLE callback_secrets (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    secret text NOT NULL,
    private_key text NOT NULL,
    from_environment boolean NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz(3)
  )`,
  // One secret of an account is the newest, and of many processes that want to add one at the same moment one succeeds.
  `CREATE UNIQUE INDEX callback_secrets_newest ON callback_secrets (account_id) WHERE expires_at IS NULL`,
  `CREATE INDEX callback_secrets_by_account ON callback_secrets (account_id, created_at)`,
];

const ACCOUNTS = [
  `CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    name text NOT NULL CONSTRAINT accounts_name_key UNIQUE,
    created_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT api_keys_account_id_fkey REFERENCES accounts,
    name text NOT NULL,
    secret_hash text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    expires_at timestamptz(3),
    last_used_at timestamptz(3),
    revoked_at timestamptz(3),
    replaced_by uuid
  )`,
  `CREATE INDEX api_keys_by_account ON api_keys (account_id, id)`,
];

const ACTIONS = [
  `CREATE TABLE actions (
    id uuid PRIMARY KEY,
    at timestamptz(3) NOT NULL,
    account_id uuid,
    actor_kind text NOT NULL,
    actor_id text,
    actor_name text,
    action text NOT NULL,
    target text,
    detail json,
    outcome text NOT NULL,
    status integer,
    request_id text,
    address text,
    CONSTRAINT actions_actor_kind_check CHECK (actor_kind IN ('key', 'operator', 'user', 'anonymous', 'open', 'command-line')),
    CONSTRAINT actions_outcome_check CHECK (outcome IN ('succeeded', 'failed'))
  )`,
  `CREATE INDEX actions_expiry ON actions (at)`,
  `CREATE INDEX actions_by_name ON actions (action, id)`,
  `CREATE INDEX actions_by_target ON actions (target, id) WHERE target IS NOT NULL`,
  `CREATE INDEX actions_by_account ON actions (account_id, id) WHERE account_id IS NOT NULL`,
  `CREATE INDEX actions_by_account_name ON actions (account_id, action, id) WHERE account_id IS NOT NULL`,
];

const BENCHMARK = [
  `CREATE TABLE benchmark_runs (
    id uuid PRIMARY KEY,
    mode text NOT NULL,
    status text NOT NULL,
    settings json NOT NULL,
    progress json,
    result json,
    over_time json,
    error text,
    token_hash text NOT NULL,
    receiver_url text,
    seen_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    finished_at timestamptz(3),
    CONSTRAINT benchmark_runs_mode_check CHECK (mode IN ('sync', 'async', 'both')),
    CONSTRAINT benchmark_runs_status_check CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'))
  )`,
  // One load test runs at a time in an installation.
  `CREATE UNIQUE INDEX benchmark_runs_one ON benchmark_runs (status) WHERE status = 'RUNNING'`,
];

/** The first schema: requests and their order, paused queues, callbacks, accounts and keys, the action log, load tests. */
export class Baseline1767225600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of [...REQUESTS, ...QUEUES, ...CALLBACKS, ...ACCOUNTS, ...ACTIONS, ...BENCHMARK])
      await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE benchmark_runs, actions, api_keys, accounts, callback_secrets,
      callback_redelivery_paces, callback_redeliveries,
      callback_disabled_urls, callback_destinations, callback_queues, callback_logs, callback_deliveries, queue_pauses, workers,
      account_storage_changes, account_storage, idempotency_keys, requests, cancelled_positions, reaped_lanes, lanes`);
  }
}
