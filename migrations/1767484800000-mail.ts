import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = [
  // One row for a message to all attendees of an event. A worker expands it to a message for each address, in the order of
  // the addresses; `last_address` is the last one that it has reached.
  `CREATE TABLE mail_fan_outs (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    event_id uuid NOT NULL,
    template text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz(3) NOT NULL,
    started_at timestamptz(3),
    last_address text,
    expanded_at timestamptz(3),
    CONSTRAINT mail_fan_outs_expanded_check CHECK (expanded_at IS NULL OR started_at IS NOT NULL)
  )`,
  `CREATE INDEX mail_fan_outs_due ON mail_fan_outs (due_at) WHERE expanded_at IS NULL`,
  `CREATE INDEX mail_fan_outs_expanded ON mail_fan_outs (expanded_at) WHERE expanded_at IS NOT NULL`,
  `CREATE INDEX mail_fan_outs_by_event ON mail_fan_outs (event_id, template)`,
  // Changes of an event that no worker has begun to expand are one fan-out.
  `CREATE UNIQUE INDEX mail_fan_outs_change ON mail_fan_outs (event_id)
    WHERE template = 'event-changed' AND started_at IS NULL`,

  // A message to one address. A claimed message is due again when its lease ends, so one index finds both. `queue` is the
  // fan-out, or the account of a single message; workers take turns between queues. `data` is null with a fan-out, which has it.
  `CREATE TABLE mail_messages (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    queue uuid NOT NULL,
    fan_out_id uuid,
    recipient text NOT NULL,
    template text NOT NULL,
    data jsonb,
    status text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    attempts_before_retry integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz(3) DEFAULT clock_timestamp(),
    leased_by text,
    error text,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz(3),
    CONSTRAINT mail_messages_status_check CHECK (status IN ('pending', 'sent', 'failed', 'kept')),
    CONSTRAINT mail_messages_pending_check CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)
      AND (status = 'pending') = (finished_at IS NULL) AND (status = 'pending' OR leased_by IS NULL)),
    CONSTRAINT mail_messages_data_check CHECK (data IS NOT NULL OR fan_out_id IS NOT NULL)
  )`,
  `CREATE INDEX mail_messages_due ON mail_messages (queue, next_attempt_at) WHERE status = 'pending'`,
  `CREATE INDEX mail_messages_leased ON mail_messages (leased_by) WHERE leased_by IS NOT NULL`,
  `CREATE INDEX mail_messages_by_status ON mail_messages (status, id)`,
  `CREATE INDEX mail_messages_retries ON mail_messages (id) WHERE status = 'pending' AND attempts > 0`,
  `CREATE INDEX mail_messages_by_recipient ON mail_messages (lower(recipient), id)`,
  // An address gets one message of a fan-out.
  `CREATE UNIQUE INDEX mail_messages_fan_out ON mail_messages (fan_out_id, recipient) WHERE fan_out_id IS NOT NULL`,

  // One row for each attempt.
  `CREATE TABLE mail_attempts (
    message_id uuid NOT NULL CONSTRAINT mail_attempts_message_fkey REFERENCES mail_messages ON DELETE CASCADE,
    number integer NOT NULL,
    outcome text NOT NULL,
    smtp_code integer,
    detail text,
    duration_ms integer NOT NULL,
    attempted_at timestamptz(3) NOT NULL,
    PRIMARY KEY (message_id, number),
    CONSTRAINT mail_attempts_outcome_check CHECK (outcome IN ('sent', 'retried', 'failed'))
  )`,
];

/** The outbox of mail. */
export class Mail1767484800000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of TABLES) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE mail_attempts, mail_messages, mail_fan_outs');
  }
}
