import { z } from 'zod';
import { UNIT_MS, duration, retryDelays, serviceUrl } from '../values.js';

const SENDER = /^(?:[^<>\p{Cc}]*<[^<>@\s,;"\p{Cc}]+@[^<>@\s,;"\p{Cc}]+>|[^<>@\s,;"\p{Cc}]+@[^<>@\s,;"\p{Cc}]+)$/u;

/** The mail server and the attempts to send. */
export const mailSettings = z.object({
  SMTP_URL: serviceUrl('smtp', 'smtps')
    .optional()
    .describe('Mail server, `smtp://user:password@host:587` or `smtps://…`. Without it messages are kept and shown'),
  MAIL_FROM: z
    .string()
    .refine((text) => SENDER.test(text), 'an address such as events@example.com or Events <events@example.com>')
    .default('Daybook <daybook@localhost>')
    .describe('Sender of messages'),
  SMTP_TIMEOUT: duration(100, 300_000, 'a time from 100ms to 5m')
    .prefault('10s')
    .describe('Timeout of one attempt to send a message, from connecting to the reply of the server'),
  MAIL_RETRY_DELAYS: retryDelays('2s,1m,1h')
    .prefault('2s,10s,1m,5m,30m,1h,3h,6h,12h')
    .describe('Delays before the 2nd, 3rd, … attempt to send a message, each ± 25%'),
  MAIL_CHANGE_DELAY: duration(0, UNIT_MS.h, 'a time up to 1h')
    .prefault('2s')
    .describe('Time for which the changes of an event are collected into one message'),
});
