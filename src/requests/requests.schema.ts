import { z } from 'zod';
import { dateTime } from '../http/fields/date-time.js';
import { pageFields } from '../http/fields/page-query.js';
import { REQUEST_MODES, REQUEST_STATUSES } from './request.entity.js';

/** A filter of requests, of the list and of everything that works on what the list shows. */
export const requestFilter = z.strictObject({
  mode: z.enum(REQUEST_MODES).optional().describe('How the report was requested'),
  status: z.enum(REQUEST_STATUSES).optional(),
  report: z.string().max(100).optional().describe('Name of the report type'),
  lane: z.string().max(64).optional(),
  created_from: dateTime.optional().describe('Requests created at this time or later'),
  created_to: dateTime.optional().describe('Requests created before this time'),
  q: z
    .string()
    .trim()
    .min(1)
    .max(2_048)
    .optional()
    .describe(
      'The id of a request, or part of the name of its report or of its callback URL, in any case. A page examines requests ' +
        'for about 100 ms: it may have few, or none, although `next_cursor` leads to more',
    ),
});
export type RequestFilter = z.infer<typeof requestFilter>;

/** Such a filter in an answer. */
export const shownRequestFilter = requestFilter
  .extend({
    created_from: z.iso.datetime().optional(),
    created_to: z.iso.datetime().optional(),
  })
  .meta({ id: 'RequestFilter' });

export const LIST_ORDERS = ['newest', 'oldest'] as const;
export type ListOrder = (typeof LIST_ORDERS)[number];

export const listQuery = requestFilter.extend({
  ...pageFields('Requests'),
  order: z.enum(LIST_ORDERS).default('newest').describe('Which requests come first'),
});
export type ListQuery = z.infer<typeof listQuery>;

const timestamp = z.iso.datetime();

const headers = z.record(z.string(), z.union([z.string(), z.array(z.string())])).nullable();
const ms = z.number().nullable();

/** Attempts in a response. A callback can be redelivered without limit, and an attempt may take several KiB. */
export const SHOWN_ATTEMPTS = 200;

const attemptLog = z
  .object({
    attempt_number: z.int(),
    status_code: z.int().nullable(),
    success: z.boolean(),
    error_message: z.string().nullable(),
    response_time_ms: z.int().nullable().describe('Milliseconds; null if the end of the attempt is not recorded'),
    attempted_at: timestamp,
  })
  .meta({ id: 'CallbackAttempt' });

/** The trace of an attempt. */
export const attemptTrace = attemptLog.omit({ attempt_number: true }).extend({
  outcome: z
    .enum(['succeeded', 'failed', 'unknown'])
    .describe('unknown: the attempt started and its end is not recorded'),
  url: z.string(),
  dialled_address: z.string().nullable(),
  request_headers: headers.describe(
    'As sent, with signatures shortened to their scheme. Headers and bodies are kept of the first attempt and of the newest 50',
  ),
  body_bytes: z.int().nullable(),
  body_sha256: z.string().nullable(),
  response_headers: headers.describe('Null without a response'),
  response_body: z.string().nullable().describe('The first 4 KiB'),
  error_kind: z.string().nullable().describe('status, blocked, dns, connect, tls, timeout, reset or protocol'),
  timings: z
    .object({ dns_ms: ms, connect_ms: ms, tls_ms: ms, first_byte_ms: ms, total_ms: ms })
    .meta({ id: 'AttemptTimings' })
    .describe('Milliseconds; null for a stage that was skipped (an open connection was used) or did not end'),
});

const callbackProgress = {
  callback_error: z
    .string()
    .nullable()
    .describe(
      'Why the callback is not delivered: the last failure, the end of its schedule, or a breaker that is open',
    ),
  callback_next_attempt_at: timestamp
    .nullable()
    .describe('Due time of the next attempt, or of the next probe while a breaker is open; null when there is none'),
};

const requestSummary = z
  .object({
    id: z.uuid(),
    mode: z.enum(REQUEST_MODES),
    status: z.enum(REQUEST_STATUSES),
    report: z.string(),
    lane: z.string().nullable(),
    input_payload: z.looseObject({}),
    result_payload: z.looseObject({}).nullable(),
    error: z.string().nullable(),
    callback_url: z.string().nullable(),
    callback_status: z.enum(['PENDING', 'SUCCESS', 'FAILED']).nullable(),
    ...callbackProgress,
    callback_attempts: z.int(),
    idempotency_key: z.string().nullable(),
    queue_position: z.int().nullable(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    completed_at: timestamp.nullable(),
  })
  .meta({ id: 'Request' });

export const requestDetail = requestSummary
  .extend({
    jobs_ahead: z.int().nullable(),
    delivery_trace: z
      .array(
        attemptTrace
          .extend({
            attempt_number: z.int(),
            trigger: z.enum(['first', 'retry', 'manual', 'replay']),
            next_attempt_at: timestamp.nullable(),
          })
          .meta({ id: 'DeliveryTrace' }),
      )
      .max(SHOWN_ATTEMPTS)
      .describe(`The newest ${SHOWN_ATTEMPTS} attempts to deliver the callback, oldest first`),
  })
  .meta({ id: 'RequestDetail' });

export const requestPage = z
  .object({ requests: z.array(requestSummary), next_cursor: z.uuid().nullable() })
  .meta({ id: 'RequestPage' });
export const callbackLogs = z
  .object({
    request_id: z.uuid(),
    ...callbackProgress,
    total_attempts: z.int().describe('All attempts, including those that are not listed'),
    logs: z.array(attemptLog).max(SHOWN_ATTEMPTS).describe(`The newest ${SHOWN_ATTEMPTS} attempts, oldest first`),
  })
  .meta({ id: 'CallbackLogs' });
export const removedOne = z.object({ deleted: z.literal(true), id: z.uuid() }).meta({ id: 'DeletedRequest' });
export const removedMany = z.object({ deleted: z.literal(true), count: z.int() }).meta({ id: 'DeletedRequests' });
