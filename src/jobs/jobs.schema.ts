import { z } from 'zod';
import { urlName } from '../http/fields/url-name.js';
import { type ReportRequest, reportRequest, reportRequestExamples } from '../reports/report-request.schema.js';

/** Requests in a batch. */
export const BATCH_LIMIT = 1_000;

export const batchBody = z
  .strictObject({ requests: z.array(reportRequest('async')).min(1).max(BATCH_LIMIT) })
  .meta({ id: 'BatchBody' });
export interface BatchBody {
  requests: ReportRequest[];
}

export const batchExamples = {
  batch: {
    summary: 'Several reports at consecutive positions',
    value: { requests: Object.values(reportRequestExamples('async')).map(({ value }) => value) },
  },
};

export const acknowledgementSchema = z
  .object({
    request_id: z.uuid(),
    status: z.literal('pending'),
    queue_position: z.int().min(1),
    jobs_ahead: z.int().min(0),
    lane: z.string(),
    message: z.string(),
  })
  .meta({ id: 'Acknowledgement' });

export const batchAnswerSchema = z
  .object({ requests: z.array(acknowledgementSchema) })
  .meta({ id: 'BatchAcknowledgement' });

export const syncAnswerSchema = z
  .looseObject({
    request_id: z.uuid(),
    mode: z.literal('sync'),
    status: z.enum(['completed', 'processing']),
  })
  .meta({ id: 'SyncAnswer' });

/** Answers of writes have the written fields only: a key with `reports:write` may lack `reports:read`. */
export const cancelledSchema = z
  .object({ id: z.uuid(), status: z.literal('CANCELLED') })
  .meta({ id: 'CancelledRequest' });
export const pausedSchema = z.object({ lane: z.string(), paused: z.boolean() }).meta({ id: 'LanePause' });
export const prioritySchema = z.object({ lane: z.string(), priority: z.int() }).meta({ id: 'LanePriority' });

/** `:lane` in a path: the names that a request may use. */
export const laneParam = urlName;

export const lanePriorityBody = z
  .strictObject({
    priority: z
      .int()
      .min(-86_400)
      .max(86_400)
      .describe(
        "Seconds of waiting that the lane has ahead of its account's other lanes; it never reorders the requests of a lane",
      ),
  })
  .meta({ id: 'LanePriorityBody' });
export type LanePriorityBody = z.infer<typeof lanePriorityBody>;

const laneSchema = z
  .object({
    lane: z.string(),
    pending: z.int().describe('Unfinished requests that have not started'),
    in_progress: z.int(),
    head_age_seconds: z.int().nullable().describe('Age of the oldest unfinished request'),
    drain_rate_per_minute: z.number().describe('Throughput: requests finished per minute while a worker has the lane'),
    held_by: z
      .string()
      .nullable()
      .describe('The worker that has leased the lane, if any; with `AUTH=required` shown only to `admin` keys'),
    paused: z.boolean(),
    priority: z.int(),
  })
  .meta({ id: 'Lane' });

export const lanesQuery = z.strictObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(1_000)).default(100),
  // With AUTH=open, a lane of an account is shown as `<account id>/<lane>`.
  after: z
    .string()
    .max(36 + 1 + 64)
    .optional()
    .describe('The last lane of the previous page'),
});
export type LanesQuery = z.infer<typeof lanesQuery>;

export const lanePage = z.object({ lanes: z.array(laneSchema) }).meta({ id: 'LanePage' });
