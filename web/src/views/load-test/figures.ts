import type { components } from '../../api/schema.generated';

export type Run = components['schemas']['BenchmarkRun'];
export type OverTime = components['schemas']['BenchmarkOverTime'];
type SyncFigures = components['schemas']['SyncBenchmark'];
type AsyncFigures = components['schemas']['AsyncBenchmark'];

export type MeasureKey = keyof OverTime;

/** A latency that a run measured, in milliseconds. */
export interface Measure {
  key: MeasureKey;
  name: string;
  count: number;
  failed: number;
  avg: number | null;
  min: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

export const MEASURE_NAMES: Record<MeasureKey, string> = {
  sync: 'Sync report',
  accept: 'Async acceptance',
  callback: 'Async callback',
};

/** @returns The figures of each mode that the run measured. */
export function stagesOf({ result }: Pick<Run, 'result'>): { sync: SyncFigures | null; async: AsyncFigures | null } {
  if (result === null) return { sync: null, async: null };
  if ('sync' in result) return { sync: result.sync, async: result.async };
  return result.mode === 'sync' ? { sync: result, async: null } : { sync: null, async: result };
}

/** @returns The latencies of a run: the sync report, the acknowledgement of async requests, and their callbacks. */
export function measuresOf(run: Pick<Run, 'result'>): Measure[] {
  const { sync, async } = stagesOf(run);
  const measures: Measure[] = [];
  if (sync) measures.push(answerOf('sync', sync));
  if (async) {
    measures.push(answerOf('accept', async), {
      key: 'callback',
      name: MEASURE_NAMES.callback,
      count: async.callbacks_received,
      failed: async.lost,
      avg: async.avg_callback_ms,
      min: null,
      p50: async.p50_callback_ms,
      p95: async.p95_callback_ms,
      p99: async.p99_callback_ms,
      max: null,
    });
  }
  return measures;
}

function answerOf(key: 'sync' | 'accept', figures: SyncFigures | AsyncFigures): Measure {
  return {
    key,
    name: MEASURE_NAMES[key],
    count: figures.successful,
    failed: figures.failed,
    avg: figures.avg_latency_ms,
    min: figures.min_latency_ms,
    p50: figures.p50_ms,
    p95: figures.p95_ms,
    p99: figures.p99_ms,
    max: figures.max_latency_ms,
  };
}

/** @returns Mean sync latency over mean acceptance, of a run that measured both. */
export function speedupOf({ result }: Pick<Run, 'result'>): number | null {
  return result !== null && 'speedup' in result ? result.speedup : null;
}

/** @returns The change from `before` to `now` in percent, or null where there is nothing to compare. */
export function changeOf(before: number | null | undefined, now: number | null): number | null {
  return before === null || before === undefined || before === 0 || now === null ? null : (now / before - 1) * 100;
}

/** The load of a run in words, such as "20 clients, 200 requests each mode". */
export function loadOf(settings: Run['settings']): string {
  const { report, num_transactions, iterations, rate, duration_seconds, ramp_seconds, concurrency, num_requests } =
    settings as Record<string, string | number | undefined>;
  const work = report === 'digest' ? `digest of ${iterations} rounds` : `${num_transactions} transactions`;
  const ramp = ramp_seconds ? `, rising over ${ramp_seconds} s` : '';
  const load =
    rate === undefined
      ? `${num_requests} requests by ${concurrency} ${concurrency === 1 ? 'client' : 'clients'}`
      : `${rate} a second for ${duration_seconds} s${ramp}`;
  return `${work}, ${load}`;
}

const CSV_HEAD = 'measure,slice_start_s,count,avg_ms,min_ms,p50_ms,p95_ms,p99_ms,max_ms';

/** @returns A table of the run: a line for each measure as a whole, then one for each time slice. Unknown cells are empty. */
export function csvOf(run: Pick<Run, 'result' | 'over_time'>): string {
  const wholes = measuresOf(run).map(({ key, count, avg, min, p50, p95, p99, max }) => [
    key,
    '',
    count,
    avg,
    min,
    p50,
    p95,
    p99,
    max,
  ]);
  const slices = Object.entries(run.over_time ?? {}).flatMap(([key, rows]) =>
    (rows ?? []).map(({ at_s, count, p50_ms, p99_ms, max_ms }) => [
      key,
      at_s,
      count,
      '',
      '',
      p50_ms,
      '',
      p99_ms,
      max_ms,
    ]),
  );
  return `${[CSV_HEAD, ...[...wholes, ...slices].map((cells) => cells.map((cell) => cell ?? '').join(','))].join('\n')}\n`;
}

/** One line of the chart. */
export interface Line {
  key: MeasureKey;
  statistic: 'p50' | 'p99';
  /** At each time of the chart; null where the measure has no request. */
  values: (number | null)[];
}

/** @returns The chart's times in seconds, and a line of the median and one of the 99th percentile for each measure. */
export function linesOf(overTime: OverTime): { times: number[]; lines: Line[] } {
  const measured = (['sync', 'accept', 'callback'] as const).flatMap((key) => {
    const slices = overTime[key];
    return slices && slices.length > 0 ? [{ key, slices: new Map(slices.map((slice) => [slice.at_s, slice])) }] : [];
  });
  const times = [...new Set(measured.flatMap(({ slices }) => [...slices.keys()]))].sort((a, b) => a - b);
  const lines = measured.flatMap(({ key, slices }) =>
    (['p50', 'p99'] as const).map((statistic) => ({
      key,
      statistic,
      values: times.map((time) => slices.get(time)?.[`${statistic}_ms`] ?? null),
    })),
  );
  return { times, lines };
}
