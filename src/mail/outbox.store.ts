import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/config.js';
import type { Query } from '../platform/database/database.js';
import { statement } from '../platform/database/named-parameters.js';
import { fromJsonColumn, jsonColumn } from '../platform/database/json-column.js';
import { newId } from '../platform/ids.js';
import { storedAccount } from '../platform/tenant.js';
import { mergeChanges } from './fan-outs/merge-changes.js';
import type { NewFanOut, NewMail } from './new-mail.js';
import type { TemplateData } from './templates/template-data.js';

const ADD = statement(
  'mail_add',
  `INSERT INTO mail_messages (id, account_id, queue, recipient, template, data)
    SELECT m.id, m.account_id, m.account_id, m.recipient, m.template, m.data::jsonb
    FROM unnest(:ids::uuid[], :accounts::uuid[], :recipients::text[], :templates::text[], ${fromJsonColumn(':data')})
      AS m (id, account_id, recipient, template, data)`,
);

const ADD_FAN_OUT = statement(
  'mail_fan_out_add',
  `INSERT INTO mail_fan_outs (id, account_id, event_id, template, data, due_at)
    VALUES (:id, :account, :eventId, :template, :data, clock_timestamp() + :delayMs * interval '1 millisecond')`,
);

const LOCK_CHANGE = statement(
  'mail_fan_out_lock_change',
  `SELECT id, data FROM mail_fan_outs
    WHERE event_id = :eventId AND template = 'event-changed' AND started_at IS NULL FOR UPDATE`,
);

const REPLACE_CHANGE = statement(
  'mail_fan_out_replace_change',
  `UPDATE mail_fan_outs SET data = :data, created_at = clock_timestamp() WHERE id = :id`,
);

const REMOVE_CHANGE = statement(
  'mail_fan_out_remove_change',
  `DELETE FROM mail_fan_outs WHERE event_id = :eventId AND template = 'event-changed' AND started_at IS NULL`,
);

type Changed = TemplateData['event-changed'];

/**
 * Writes the outbox in the transactions of its callers. Hand-written: it runs on their connections, and a lock on a change that
 * no worker has begun to expand decides between merging and a new fan-out.
 */
@Injectable()
export class OutboxStore {
  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'MAIL_CHANGE_DELAY'>) {}

  async add(query: Query, messages: readonly NewMail[]): Promise<void> {
    await query(ADD, {
      ids: messages.map(() => newId()),
      accounts: messages.map(({ accountId }) => storedAccount(accountId)),
      recipients: messages.map(({ to }) => to),
      templates: messages.map(({ template }) => template),
      data: jsonColumn(messages.map(({ data }) => JSON.stringify(data))),
    });
  }

  async addFanOut(query: Query, { accountId, eventId, template, data }: NewFanOut, delayMs: number): Promise<void> {
    const account = storedAccount(accountId);
    await query(ADD_FAN_OUT, { id: newId(), account, eventId, template, data: JSON.stringify(data), delayMs });
  }

  /** Adds a change, or merges it into the one of the event that no worker has begun to expand. */
  async addChange(query: Query, fanOut: NewFanOut & { template: 'event-changed' }): Promise<void> {
    const { eventId, data } = fanOut;
    const [earlier]: { id: string; data: Changed }[] = await query(LOCK_CHANGE, { eventId });
    const merged = earlier ? mergeChanges(earlier.data, data) : mergeChanges({ ...data, changes: [] }, data);
    if (merged.changes.length === 0) await this.removeChange(query, eventId);
    else if (earlier) await query(REPLACE_CHANGE, { id: earlier.id, data: JSON.stringify(merged) });
    else await this.addFanOut(query, { ...fanOut, data: merged }, this.config.MAIL_CHANGE_DELAY);
  }

  /** Removes the change of an event that no worker has begun to expand. */
  async removeChange(query: Query, eventId: string): Promise<void> {
    await query(REMOVE_CHANGE, { eventId });
  }
}
