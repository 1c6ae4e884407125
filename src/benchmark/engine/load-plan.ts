import type { LatencySlice, LatencySummary } from './latency.js';
import type { OrderFindings } from './order-checker.js';

/** What a load test does. `both` is sync, then async. */
export const LOAD_MODES = ['sync', 'async', 'both'] as const;
export type LoadMode = (typeof LOAD_MODES)[number];

/** So many requests, each of the clients sending its next one when it has the answer. */
export interface ClosedModel {
  kind: 'closed';
  requests: number;
  concurrency: number;
}

/** So many requests a second whatever becomes of them; the rate grows from nothing during the ramp. */
export interface OpenModel {
  kind: 'open';
  ratePerS: number;
  durationMs: number;
  rampMs: number;
}

export interface LoadPlan {
  mode: LoadMode;
  /** The service, without a slash at the end. */
  targetUrl: string;
  /** What is asked for: the body without `callback_url` and `lane`. */
  body: Record<string, unknown>;
  model: ClosedModel | OpenModel;
  /** Requests of each mode that go before and do not count: a service is slow while its code is not compiled yet. */
  warmUp: number;
  lane: string;
  /** Sent with every request. */
  headers: Record<string, string>;
  /** Longest wait for an answer, and for the next callback after the last acknowledgement. */
  patienceMs: number;
}

/** Where callbacks are received. */
export interface ReceiverPlan {
  /** Address to listen on. */
  listenHost: string;
  /** 0 takes a free one. */
  port: number;
  /** The name under which the service reaches us. */
  publicHost: string;
  /** First segment of the path: who does not know it is not listened to. */
  token: string;
}

/** What was measured of one mode. */
export interface StageResult {
  mode: 'sync' | 'async';
  totalRequests: number;
  successful: number;
  failed: number;
  /** How often each status, or kind of failure, was the answer, beside success. */
  errors: Record<string, number>;
  /** The first answer that was none of the expected ones. */
  firstError: string | null;
  /** To the answer: the report, or the acknowledgement. */
  latency: LatencySummary;
  slices: LatencySlice[];
  curve: [percentile: number, ms: number][];
  /** Requests a second as planned (open model), and answered. */
  offeredPerS: number | null;
  achievedPerS: number;
  durationMs: number;
  callbacks: CallbackResult | null;
}

/** To the callback, from when the request was to be sent. */
export interface CallbackResult extends OrderFindings {
  received: number;
  latency: LatencySummary;
  slices: LatencySlice[];
  curve: [percentile: number, ms: number][];
  /** Callbacks a second, from the first request to the last callback. */
  achievedPerS: number;
}

export interface LoadResult {
  sync: StageResult | null;
  async: StageResult | null;
  /** How many times sooner a caller has its answer from async than from sync, by the means. */
  speedup: number | null;
  durationMs: number;
}

/** How far a run is. */
export interface LoadProgress {
  stage: 'sync' | 'async';
  total: number;
  sent: number;
  answered: number;
  failed: number;
  callbacks: number;
}
