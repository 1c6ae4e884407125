import type { LatencySlice, LatencySummary } from './latency.js';
import type { OrderFindings } from './order-checker.js';

/** The modes of a load test. `both` is sync, then async. */
export const LOAD_MODES = ['sync', 'async', 'both'] as const;
export type LoadMode = (typeof LOAD_MODES)[number];

/** A fixed number of clients, each of which sends its next request when it has the answer to the last. */
export interface ClosedModel {
  kind: 'closed';
  requests: number;
  concurrency: number;
}

/** A fixed rate, independent of answers. During the ramp it rises from 0. */
export interface OpenModel {
  kind: 'open';
  ratePerS: number;
  durationMs: number;
  rampMs: number;
  /** The run ends with this request, if the duration allows more. */
  maxRequests?: number;
}

/** @returns The body of the requests of a load test, for {@link LoadPlan.body}. */
export function requestBody(
  report: 'transactions' | 'digest',
  { iterations, rows }: { iterations: number; rows: number },
): Record<string, unknown> {
  if (report === 'digest') return { input_data: 'benchmark', iterations };
  return { num_transactions: rows, report_name: 'Benchmark' };
}

export interface LoadPlan {
  mode: LoadMode;
  /** Base URL of the service, without a trailing slash. */
  targetUrl: string;
  /** Body of every request, without `callback_url` and `lane`. */
  body: Record<string, unknown>;
  model: ClosedModel | OpenModel;
  /** Requests of each mode sent first and not counted, until V8 has compiled the service's code. */
  warmUp: number;
  lane: string;
  /** Headers of every request. */
  headers: Record<string, string>;
  /** Timeout of an answer, and of the next callback after the last acknowledgement. */
  patienceMs: number;
}

/** Address and secret path of the callback receiver. */
export interface ReceiverPlan {
  /** Address to listen on. */
  listenHost: string;
  /** 0 selects a free port. */
  port: number;
  /** Name or address at which the service reaches the receiver. */
  publicHost: string;
  /** First segment of the path. Requests without it get 404. */
  token: string;
}

/** Result of one mode. */
export interface StageResult {
  mode: 'sync' | 'async';
  totalRequests: number;
  successful: number;
  failed: number;
  /** Count of each unexpected status or error code. */
  errors: Record<string, number>;
  /** Text of the first unexpected answer or error. */
  firstError: string | null;
  /** Time to the answer: the report or the acknowledgement. */
  latency: LatencySummary;
  slices: LatencySlice[];
  curve: [percentile: number, ms: number][];
  /** Planned rate of requests per second (open model), and the rate of successful answers. */
  offeredPerS: number | null;
  achievedPerS: number;
  durationMs: number;
  callbacks: CallbackResult | null;
}

/** Result of the callbacks. Their times count from the time the request was due. */
export interface CallbackResult extends OrderFindings {
  received: number;
  latency: LatencySummary;
  slices: LatencySlice[];
  curve: [percentile: number, ms: number][];
  /** Callbacks per second, from the first request to the last callback. */
  achievedPerS: number;
}

export interface LoadResult {
  sync: StageResult | null;
  async: StageResult | null;
  /** Mean sync latency divided by mean async acknowledgement latency. */
  speedup: number | null;
  durationMs: number;
}

/** Progress of a run. */
export interface LoadProgress {
  stage: 'sync' | 'async';
  total: number;
  sent: number;
  answered: number;
  failed: number;
  callbacks: number;
}
