import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/named-parameters.js';
import { firstIdAt } from '../../platform/ids.js';

/** Ids are time-ordered, so the primary key finds old messages; their attempts are deleted with them. */
const REMOVE_MESSAGES = statement(
  'mail_remove_expired',
  `WITH expired AS (
      SELECT id FROM mail_messages
      WHERE id < :beforeId AND status <> 'pending' AND finished_at < now() - :ageMs * interval '1 millisecond'
      ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM mail_messages m USING expired WHERE m.id = expired.id RETURNING m.id`,
);

const REMOVE_FAN_OUTS = statement(
  'mail_fan_out_remove_expired',
  `WITH expired AS (
      SELECT f.id FROM mail_fan_outs f
      WHERE f.expanded_at < now() - :ageMs * interval '1 millisecond'
        AND NOT EXISTS (SELECT FROM mail_messages m WHERE m.fan_out_id = f.id)
      ORDER BY f.expanded_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM mail_fan_outs f USING expired WHERE f.id = expired.id RETURNING f.id`,
);

/** Deletes old mail. Hand-written: SKIP LOCKED lets the sweeps of several workers run side by side. */
@Injectable()
export class MailRetentionStore {
  constructor(private readonly database: Database) {}

  /** Deletes up to `limit` messages that were finished long enough ago. @returns Their number. */
  async removeMessages(ageMs: number, limit: number): Promise<number> {
    const beforeId = firstIdAt(new Date(Date.now() - ageMs));
    const rows: { id: string }[] = await this.database.query(REMOVE_MESSAGES, { beforeId, ageMs, limit });
    return rows.length;
  }

  /** Deletes up to `limit` old fan-outs that have no message left. @returns Their number. */
  async removeFanOuts(ageMs: number, limit: number): Promise<number> {
    const rows: { id: string }[] = await this.database.query(REMOVE_FAN_OUTS, { ageMs, limit });
    return rows.length;
  }
}
