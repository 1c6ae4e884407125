import { z } from 'zod';
import { pageFields } from '../../http/fields/page-query.js';
import { TEMPLATE_NAMES } from '../templates/template-data.js';
import { MAIL_OUTCOMES } from './mail-attempt.entity.js';
import { MAIL_STATUSES } from './mail-message.entity.js';

const status = z
  .enum(MAIL_STATUSES)
  .describe(
    '`pending`: not sent yet; `failed`: the server refused it, or its retry schedule has ended; `kept`: not sent, because `SMTP_URL` is not set',
  );

export const mailQuery = z.strictObject({
  status: status.optional(),
  to: z.string().min(1).max(254).optional().describe('Address, in any case'),
  ...pageFields('Messages'),
});
export type MailQuery = z.infer<typeof mailQuery>;

const time = z.iso.datetime();

export const mailView = z
  .object({
    id: z.uuid(),
    to: z.string(),
    template: z.enum(TEMPLATE_NAMES),
    subject: z.string(),
    status,
    attempts: z.int().describe('Attempts that have ended'),
    next_attempt_at: time.nullable().describe('When it is due; of a message in progress, when its lease ends'),
    error: z.string().nullable().describe('Of the last attempt that failed'),
    created_at: time,
    finished_at: time.nullable().describe('When it became `sent`, `failed` or `kept`'),
  })
  .meta({ id: 'Mail' });

const attempt = z
  .object({
    number: z.int(),
    outcome: z.enum(MAIL_OUTCOMES),
    smtp_code: z.int().nullable().describe('Reply code of the server; null if it sent none'),
    detail: z.string().nullable().describe('Reply of the server, or the error'),
    duration_ms: z.int(),
    attempted_at: time,
  })
  .meta({ id: 'MailAttempt' });

export const mailPage = z
  .object({ messages: z.array(mailView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'MailPage' });
export const mailDetail = mailView
  .extend({
    message_id: z.string().describe('`Message-ID`, the same in every attempt'),
    text: z.string().describe('The text part. The token of a password reset is hidden unless the message is kept'),
    attempt_log: z.array(attempt).describe('The last 100 attempts, oldest first'),
  })
  .meta({ id: 'MailDetail' });
