import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { type StateRows, countsText, pageText, statusRows } from '../../platform/database/bounded-rows.js';
import type { JobCounts, JobState } from '../../queue/jobs/queue-jobs.js';
import { MailMessage } from './mail-message.entity.js';

const STATES: Record<JobState, StateRows> = {
  waiting: {
    ...statusRows('mail_messages', ['pending'], 'id, attempts, leased_by, next_attempt_at'),
    filter: 'r.leased_by IS NULL AND (r.attempts = 0 OR r.next_attempt_at <= now())',
  },
  active: { rows: 'SELECT id FROM mail_messages WHERE leased_by IS NOT NULL ORDER BY id DESC' },
  delayed: {
    rows: `SELECT id, leased_by, next_attempt_at FROM mail_messages WHERE status = 'pending' AND attempts > 0
      ORDER BY id DESC`,
    filter: 'r.leased_by IS NULL AND r.next_attempt_at > now()',
  },
  completed: statusRows('mail_messages', ['sent']),
  failed: statusRows('mail_messages', ['failed', 'kept']),
};

const COUNTS = countsText(STATES);

/** Messages by the state of their job. Hand-written, because each statement is bounded by the index that it reads. */
@Injectable()
export class MailJobsRepository {
  constructor(@InjectRepository(MailMessage) private readonly messages: Repository<MailMessage>) {}

  async counts(): Promise<JobCounts> {
    const [row] = await this.messages.query<JobCounts[]>(COUNTS);
    return row!;
  }

  /** @returns The ids of a page, newest first. */
  async ids(state: JobState, offset: number, limit: number): Promise<string[]> {
    const rows = await this.messages.query<{ id: string }[]>(pageText(STATES[state]), [limit, offset]);
    return rows.map(({ id }) => id);
  }
}
