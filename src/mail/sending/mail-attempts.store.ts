import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import type { EndedAttempt } from './claimed-mail.js';

/** The token of a password reset is removed once it is sent. */
const RECORD = statement(
  'mail_record',
  `WITH ended AS (
      SELECT * FROM unnest(:ids::uuid[], :numbers::integer[], :outcomes::text[], :codes::integer[], :details::text[],
        :durations::integer[], :delays::float8[]) AS e (id, number, outcome, smtp_code, detail, duration_ms, retry_in_ms)
    ), locked AS (
      SELECT m.id FROM mail_messages m JOIN ended e ON e.id = m.id
      WHERE m.status = 'pending' AND m.attempts + 1 = e.number ORDER BY m.id FOR UPDATE OF m
    ), moved AS (
      UPDATE mail_messages m SET attempts = e.number, leased_by = NULL,
        status = CASE e.outcome WHEN 'retried' THEN 'pending' ELSE e.outcome END,
        next_attempt_at = CASE e.outcome WHEN 'retried'
          THEN clock_timestamp() + e.retry_in_ms * interval '1 millisecond' END,
        finished_at = CASE e.outcome WHEN 'retried' THEN NULL ELSE clock_timestamp() END,
        error = CASE e.outcome WHEN 'sent' THEN NULL ELSE e.detail END,
        data = CASE WHEN m.template = 'password-reset' AND e.outcome = 'sent' THEN m.data - 'token' ELSE m.data END
      FROM locked, ended e WHERE m.id = locked.id AND e.id = locked.id
      RETURNING m.id, e.number, e.outcome, e.smtp_code, e.detail, e.duration_ms
    )
    INSERT INTO mail_attempts (message_id, number, outcome, smtp_code, detail, duration_ms, attempted_at)
    SELECT id, number, outcome, smtp_code, detail, duration_ms,
      clock_timestamp() - duration_ms * interval '1 millisecond' FROM moved`,
);

/**
 * Records attempts. Hand-written: a batch is one statement that locks messages by id, and the number of the attempt guards the
 * move, so an attempt of a worker that lost its lease changes nothing.
 */
@Injectable()
export class MailAttemptsStore {
  constructor(private readonly database: Database) {}

  async record(attempts: readonly EndedAttempt[]): Promise<void> {
    await this.database.query(RECORD, {
      ids: attempts.map(({ messageId }) => messageId),
      numbers: attempts.map(({ number }) => number),
      outcomes: attempts.map(({ outcome }) => outcome),
      codes: attempts.map(({ smtpCode }) => smtpCode),
      details: attempts.map(({ detail }) => detail),
      durations: attempts.map(({ durationMs }) => Math.round(durationMs)),
      delays: attempts.map(({ retryInMs }) => retryInMs),
    });
  }
}
