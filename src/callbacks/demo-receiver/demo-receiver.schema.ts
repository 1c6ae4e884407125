import { z } from 'zod';

/** Number of callbacks kept. Each is at most as large as the API's body limit. */
export const HISTORY_LIMIT = 1_000;

const CALLBACK_EXAMPLE = {
  type: 'report.completed',
  timestamp: '2026-03-01T12:00:00.000Z',
  request_id: '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55',
  status: 'completed',
  queue_position: 42,
};
const FAILURES_EXAMPLE = { enabled: true, failure_rate: 50 };

const RECEIVED_EXAMPLE = {
  headers: {
    'webhook-id': 'msg_0195a0c17e2b7cc09f7e3d0f2a9b1c55',
    'webhook-timestamp': '1772366400',
    'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
    'x-request-id': '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55',
    'x-attempt-number': '1',
  },
  body: CALLBACK_EXAMPLE,
  received_at: '2026-03-01T12:00:00.120Z',
};

/** Body of a callback. */
export const demoCallback = z
  .record(z.string(), z.unknown())
  .meta({ id: 'DemoCallback', description: 'Any JSON object', example: CALLBACK_EXAMPLE });
export type DemoCallback = z.infer<typeof demoCallback>;

/** A rate alone is refused, because it does not say whether failures are enabled. */
const ENABLED_MISSING = { path: ['enabled'], error: 'enabled is required when failure_rate is given' };

const failureSettings = z.object({
  enabled: z.boolean().optional(),
  failure_rate: z.int().min(1).max(100).describe('Percentage of callbacks that get a 500').optional(),
});
export type FailureSettings = z.infer<typeof failureSettings>;

const rateNeedsEnabled = ({ enabled, failure_rate }: FailureSettings) =>
  enabled !== undefined || failure_rate === undefined;

/** `{enabled, failure_rate}` as JSON. The body is optional. */
export const failureSettingsBody = failureSettings
  .refine(rateNeedsEnabled, ENABLED_MISSING)
  .optional()
  .meta({ id: 'FailureSettingsBody', example: FAILURES_EXAMPLE });

/** The same in the query: `?enabled=true&failure_rate=50`. */
export const failureSettingsQuery = z
  .object({
    enabled: z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] }).optional(),
    failure_rate: z.coerce.number<string>().int().min(1).max(100).optional(),
  })
  .refine(rateNeedsEnabled, ENABLED_MISSING);

export const historyQuery = z.object({
  limit: z.coerce
    .number<string>()
    .int()
    .min(1)
    .max(HISTORY_LIMIT)
    .default(HISTORY_LIMIT)
    .describe('Number of callbacks'),
});
export type HistoryQuery = z.infer<typeof historyQuery>;

const received = z
  .object({
    headers: z.record(z.string(), z.string()).describe('`webhook-*`, `x-request-id` and `x-attempt-number`'),
    body: z.record(z.string(), z.unknown()),
    received_at: z.iso.datetime(),
  })
  .meta({ id: 'ReceivedCallback' });

export const receipt = z
  .object({ received: z.literal(true), received_at: z.iso.datetime() })
  .meta({ id: 'CallbackReceipt', example: { received: true, received_at: RECEIVED_EXAMPLE.received_at } });
export const historyView = z
  .object({
    total: z.int().describe('Callbacks since the history was last deleted, including those that are no longer kept'),
    callbacks: z.array(received),
  })
  .meta({ id: 'CallbackHistory', example: { total: 1, callbacks: [RECEIVED_EXAMPLE] } });
export const clearedHistory = z
  .object({ deleted: z.literal(true), count: z.int() })
  .meta({ id: 'ClearedHistory', example: { deleted: true, count: 1 } });
export const failureView = z
  .object({ enabled: z.boolean(), failure_rate: z.int().describe('Percentage of callbacks that get a 500') })
  .meta({ id: 'SimulatedFailures', example: FAILURES_EXAMPLE });
