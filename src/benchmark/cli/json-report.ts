import { failuresOf } from '../engine/assertion.js';
import type { LatencySlice, LatencySummary } from '../engine/latency.js';
import type { CallbackResult, LoadResult, StageResult } from '../engine/load-plan.js';
import type { BenchOptions } from './cli-options.js';
import type { Environment } from './environment.js';

/** @returns The content of the file that `--json` writes. Its names are snake_case, like all JSON of the service. */
export function jsonReport(result: LoadResult, options: BenchOptions, environment: Environment): object {
  const { memoryGb, ...rest } = environment;
  return {
    sync: result.sync && stageOf(result.sync),
    async: result.async && stageOf(result.async),
    speedup: result.speedup,
    duration_ms: result.durationMs,
    settings: settingsOf(options),
    assertions: options.assertions.map(({ text }) => text),
    failed_assertions: failuresOf(options.assertions, result),
    environment: { ...rest, memory_gb: memoryGb },
  };
}

/** @returns The settings of a run. API keys and the environment of the service are left out, because they can be secret. */
export function settingsOf(options: BenchOptions): Record<string, unknown> {
  const {
    'api-key': _key,
    'api-key-file': _keyFile,
    env: _env,
    assertions: _assertions,
    duration: duration_ms,
    ramp: ramp_ms,
    ...settings
  } = options;
  const named = Object.entries(settings).map(([name, value]) => [name.replaceAll('-', '_'), value] as const);
  return { ...Object.fromEntries(named), duration_ms, ramp_ms };
}

function stageOf(stage: StageResult): object {
  return {
    mode: stage.mode,
    total_requests: stage.totalRequests,
    successful: stage.successful,
    failed: stage.failed,
    errors: stage.errors,
    first_error: stage.firstError,
    ...timesOf(stage),
    offered_per_s: stage.offeredPerS,
    achieved_per_s: stage.achievedPerS,
    duration_ms: stage.durationMs,
    callbacks: stage.callbacks && callbacksOf(stage.callbacks),
  };
}

function callbacksOf(callbacks: CallbackResult): object {
  return {
    received: callbacks.received,
    ...timesOf(callbacks),
    achieved_per_s: callbacks.achievedPerS,
    fifo_inversions: callbacks.fifoInversions,
    duplicates: callbacks.duplicates,
    lost: callbacks.lost,
  };
}

function timesOf({ latency, slices, curve }: Pick<StageResult, 'latency' | 'slices' | 'curve'>): object {
  return { latency: latencyOf(latency), slices: slices.map(sliceOf), curve };
}

/** A dot in a name needs quoting in most tools. */
function latencyOf({ 'p99.9': p99_9, max, ...latency }: LatencySummary): object {
  return { ...latency, p99_9, max };
}

function sliceOf({ atS, ...slice }: LatencySlice): object {
  return { at_s: atS, ...slice };
}
