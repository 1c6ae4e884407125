import type { AsyncReport, BothReport, OverTime, RunSettings, SyncReport } from './benchmark.schema.js';
import type { BenchmarkRun } from './benchmark-run.entity.js';
import type { ListedRun } from './benchmark-run.repository.js';
import type { LatencySlice, LatencySummary } from './engine/latency.js';
import type { LoadResult, StageResult } from './engine/load-plan.js';

type Report = SyncReport | AsyncReport | BothReport;

/** @returns The body of a report: one stage, or both with their comparison. */
export function reportOf({ sync, async, speedup, durationMs }: LoadResult, settings: RunSettings): Report {
  if (sync && async) {
    const { mode: _, ...config } = settings;
    const both = { sync: syncReportOf(sync), async: asyncReportOf(async) };
    return { ...both, speedup, config, test_duration_ms: durationMs };
  }
  return sync ? syncReportOf(sync) : asyncReportOf(async!);
}

function answersOf({ totalRequests, successful, failed, latency }: StageResult) {
  return {
    total_requests: totalRequests,
    successful,
    failed,
    avg_latency_ms: latency.mean,
    min_latency_ms: latency.min,
    max_latency_ms: latency.max,
    p50_ms: latency.p50,
    p95_ms: latency.p95,
    p99_ms: latency.p99,
  };
}

function syncReportOf(stage: StageResult): SyncReport {
  return { mode: 'sync', ...answersOf(stage) };
}

function asyncReportOf(stage: StageResult): AsyncReport {
  const callbacks = stage.callbacks!;
  const latency: LatencySummary = callbacks.latency;
  return {
    mode: 'async',
    ...answersOf(stage),
    callbacks_received: callbacks.received,
    avg_callback_ms: latency.mean,
    p50_callback_ms: latency.p50,
    p95_callback_ms: latency.p95,
    p99_callback_ms: latency.p99,
    fifo_inversions: callbacks.fifoInversions,
    duplicates: callbacks.duplicates,
    lost: callbacks.lost,
  };
}

/** @returns The latencies of a run in time slices. */
export function overTimeOf({ sync, async }: LoadResult): OverTime {
  return {
    sync: sync && slicesOf(sync.slices),
    accept: async && slicesOf(async.slices),
    callback: async && slicesOf(async.callbacks!.slices),
  };
}

function slicesOf(slices: LatencySlice[]): NonNullable<OverTime['sync']> {
  const micros = (ms: number): number => Math.round(ms * 1_000) / 1_000;
  return slices.map(({ atS, count, p50, p99, max }) => ({
    at_s: atS,
    count,
    p50_ms: micros(p50),
    p99_ms: micros(p99),
    max_ms: micros(max),
  }));
}

/** @returns The body of a run with its time slices. */
export function runDetailOf(run: BenchmarkRun): object {
  return { ...runViewOf(run), over_time: run.overTime };
}

/** @returns The body of a run in a list. */
export function runViewOf(run: ListedRun): object {
  const { id, mode, status, settings, progress, result, error, createdAt, finishedAt } = run;
  const times = { created_at: createdAt.toISOString(), finished_at: finishedAt?.toISOString() ?? null };
  return { id, mode, status, settings, progress, result, error, ...times };
}
