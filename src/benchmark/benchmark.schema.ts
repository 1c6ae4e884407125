import { z } from 'zod';
import { RUN_STATUSES } from './benchmark-run.entity.js';
import { LOAD_MODES } from './engine/load-plan.js';

const MAX_REQUESTS = 10_000;
const concurrency = z.int().min(1).max(200).default(20).describe('Concurrent clients');
const numRequests = z
  .int()
  .min(1)
  .max(MAX_REQUESTS)
  .optional()
  .describe('Total requests per mode; by default one per client');
const numTransactions = z.int().min(1).max(1_000_000).default(50).describe('Rows per report');

export const SETTINGS_EXAMPLE = { concurrency: 20, num_requests: 100, num_transactions: 50 };
const RUN_EXAMPLE = {
  mode: 'both',
  rate: 50,
  duration_seconds: 10,
  ramp_seconds: 2,
  report: 'digest',
  iterations: 1_000,
};

/** Body of the three routes that wait for the result. A missing body means all defaults. */
export const settingsBody = z
  .strictObject({ concurrency, num_requests: numRequests, num_transactions: numTransactions })
  .prefault({})
  .transform((given) => ({ ...given, num_requests: given.num_requests ?? given.concurrency }))
  .meta({ id: 'BenchmarkBody', example: SETTINGS_EXAMPLE });
export type Settings = z.output<typeof settingsBody>;

/** Body of a background run: closed model, or open model with `rate`. */
export const runBody = z
  .strictObject({
    mode: z.enum(LOAD_MODES).default('both').describe('`both` is sync, then async'),
    report: z.enum(['transactions', 'digest']).default('transactions'),
    num_transactions: numTransactions,
    iterations: z.int().min(1).max(1_000_000).default(50_000).describe('Rounds per digest'),
    concurrency,
    num_requests: numRequests,
    rate: z
      .number()
      .min(0.1)
      .max(2_000)
      .optional()
      .describe('Requests per second, sent without waiting for answers (open model)'),
    duration_seconds: z.number().min(1).max(300).default(10).describe('With `rate`: duration of the load'),
    ramp_seconds: z.number().min(0).max(300).default(0).describe('With `rate`: time over which the rate rises from 0'),
  })
  .prefault({})
  .refine(({ rate = 0, duration_seconds }) => rate * duration_seconds <= MAX_REQUESTS, {
    path: ['rate'],
    error: `rate times duration_seconds must be at most ${MAX_REQUESTS}`,
  })
  .transform((given) => ({ ...given, num_requests: given.num_requests ?? given.concurrency }))
  .meta({ id: 'BenchmarkRunBody', example: RUN_EXAMPLE });
export type RunSettings = z.output<typeof runBody>;

export const runExamples = {
  open: { summary: 'Open model: a fixed rate', value: RUN_EXAMPLE },
  closed: { summary: 'Closed model: a fixed number of clients', value: { mode: 'async', ...SETTINGS_EXAMPLE } },
};

export const runsQuery = z.strictObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(200)).default(20).describe('Number of runs'),
});
export type RunsQuery = z.infer<typeof runsQuery>;

const ms = z.number().nullable().describe('Milliseconds; null when no request succeeded');
const answers = {
  total_requests: z.int(),
  successful: z.int(),
  failed: z.int(),
  avg_latency_ms: ms,
  min_latency_ms: ms,
  max_latency_ms: ms,
  p50_ms: ms,
  p95_ms: ms,
  p99_ms: ms,
};
export const syncReport = z.object({ mode: z.literal('sync'), ...answers }).meta({ id: 'SyncBenchmark' });
export const asyncReport = z
  .object({
    mode: z.literal('async'),
    ...answers,
    callbacks_received: z.int(),
    avg_callback_ms: ms,
    p50_callback_ms: ms,
    p95_callback_ms: ms,
    p99_callback_ms: ms,
    fifo_inversions: z.int(),
    duplicates: z.int(),
    lost: z.int(),
  })
  .meta({ id: 'AsyncBenchmark' });
export const bothReport = z
  .object({
    sync: syncReport,
    async: asyncReport,
    speedup: z.number().nullable().describe('Mean sync latency over mean async acknowledgement'),
    config: z.looseObject({ concurrency: z.int(), num_requests: z.int(), num_transactions: z.int() }),
    test_duration_ms: z.int(),
  })
  .meta({ id: 'BenchmarkComparison' });
export type SyncReport = z.infer<typeof syncReport>;
export type AsyncReport = z.infer<typeof asyncReport>;
export type BothReport = z.infer<typeof bothReport>;

const timestamp = z.iso.datetime();
const progress = z
  .object({
    stage: z.enum(['sync', 'async']),
    total: z.int().describe('Requests of the stage'),
    sent: z.int(),
    answered: z.int(),
    failed: z.int(),
    callbacks: z.int(),
  })
  .meta({ id: 'BenchmarkProgress' });
const slices = z
  .array(
    z
      .object({
        at_s: z.number().describe('Start of the slice in seconds since the start of the stage'),
        count: z.int(),
        p50_ms: z.number(),
        p99_ms: z.number(),
        max_ms: z.number(),
      })
      .meta({ id: 'BenchmarkSlice' }),
  )
  .describe('Up to 121 time slices of equal length; those without a request are left out');
const overTime = z
  .object({
    sync: slices.nullable().describe('Until the report; null without sync requests'),
    accept: slices.nullable().describe('Until the acknowledgement; null without async requests'),
    callback: slices.nullable().describe('Until the callback; null without async requests'),
  })
  .meta({ id: 'BenchmarkOverTime' });
export type OverTime = z.infer<typeof overTime>;
export const runView = z
  .object({
    id: z.uuid(),
    mode: z.enum(LOAD_MODES),
    status: z.enum(RUN_STATUSES),
    settings: z.looseObject({}),
    progress: progress.nullable().describe('Progress of the current stage; null before the first'),
    result: z.union([bothReport, syncReport, asyncReport]).nullable(),
    over_time: overTime.nullable().optional().describe('Null until the run has completed. Lists leave it out'),
    error: z.string().nullable(),
    created_at: timestamp,
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'BenchmarkRun' });
export const runList = z.object({ runs: z.array(runView) }).meta({ id: 'BenchmarkRunList' });
