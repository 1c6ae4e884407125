import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, LessThan, Raw, type Repository } from 'typeorm';
import type { TemplateName } from '../templates/template-data.js';
import { MailAttempt } from './mail-attempt.entity.js';
import { MailFanOut } from '../fan-outs/mail-fan-out.entity.js';
import { MailMessage, type MailStatus } from './mail-message.entity.js';

export interface MailFilter {
  /** Undefined for the mail of all accounts. */
  accountId?: string;
  status?: MailStatus;
  /** In any case. */
  to?: string;
  /** Only messages that are older than this one. */
  beforeId?: string;
  limit: number;
}

/** A message with its data, which may be that of its fan-out. */
export type FullMail = MailMessage & { data: object; template: TemplateName };

/** Most attempts of one message that are shown. */
const SHOWN_ATTEMPTS = 100;
/** Pending messages are counted up to this number. */
const COUNTED = 1_000_000;

const RETRY = `UPDATE mail_messages SET status = 'pending', finished_at = NULL, next_attempt_at = clock_timestamp(),
    attempts_before_retry = attempts
  WHERE id = $1 AND (status IN ('failed', 'kept') OR (status = 'pending' AND leased_by IS NULL)) RETURNING id`;

const COUNT_PENDING = `SELECT count(*)::integer AS count
  FROM (SELECT FROM mail_messages WHERE status = 'pending' LIMIT ${COUNTED}) pending`;

/** The messages of all accounts, as operators read them. */
@Injectable()
export class MailRepository {
  constructor(
    @InjectRepository(MailMessage) private readonly messages: Repository<MailMessage>,
    @InjectRepository(MailFanOut) private readonly fanOuts: Repository<MailFanOut>,
    @InjectRepository(MailAttempt) private readonly attempts: Repository<MailAttempt>,
  ) {}

  /** @returns Messages, newest first. */
  async list({ accountId, status, to, beforeId, limit }: MailFilter): Promise<FullMail[]> {
    const where = {
      ...(accountId !== undefined && { accountId }),
      ...(status && { status }),
      ...(to !== undefined && { recipient: Raw((column) => `lower(${column}) = lower(:to)`, { to }) }),
      ...(beforeId && { id: LessThan(beforeId) }),
    };
    return this.withData(await this.messages.find({ where, order: { id: 'DESC' }, take: limit }));
  }

  async find(id: string, accountId: string | undefined): Promise<FullMail | null> {
    const found = await this.messages.findOneBy({ id, ...(accountId !== undefined && { accountId }) });
    const [mail] = found ? await this.withData([found]) : [];
    return mail ?? null;
  }

  /** @returns Those messages that exist, in any order. */
  async findAll(ids: readonly string[]): Promise<FullMail[]> {
    return this.withData(await this.messages.findBy({ id: In(ids) }));
  }

  /** @returns The last attempts of a message, oldest first. */
  async attemptsOf(messageId: string): Promise<MailAttempt[]> {
    const last = await this.attempts.find({ where: { messageId }, order: { number: 'DESC' }, take: SHOWN_ATTEMPTS });
    return last.toReversed();
  }

  /** Makes a message due now unless it was sent or is being sent. Its retry schedule begins again. */
  async retry(id: string): Promise<void> {
    await this.messages.query(RETRY, [id]);
  }

  /** @returns The number of messages that are not sent yet, up to a million. */
  async countPending(): Promise<number> {
    const [row] = await this.messages.query<{ count: number }[]>(COUNT_PENDING);
    return row!.count;
  }

  private async withData(messages: MailMessage[]): Promise<FullMail[]> {
    const ids = [...new Set(messages.flatMap(({ fanOutId }) => fanOutId ?? []))];
    const fanOuts = ids.length === 0 ? [] : await this.fanOuts.findBy({ id: In(ids) });
    const dataOf = new Map<string | null, object>(fanOuts.map(({ id, data }) => [id, data]));
    return messages.map((mail) =>
      Object.assign(mail, {
        template: mail.template as TemplateName,
        data: mail.data ?? dataOf.get(mail.fanOutId) ?? {},
      }),
    );
  }
}
