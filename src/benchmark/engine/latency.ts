import { type Histogram, build } from 'hdr-histogram-js';

/** Times in milliseconds. Null without records. */
export interface LatencySummary {
  count: number;
  min: number | null;
  mean: number | null;
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  'p99.9': number | null;
  max: number | null;
}

export const STATISTICS = ['count', 'min', 'mean', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max'] as const;

/** A time slice of the run, for the plot of latency over time. */
export interface LatencySlice {
  /** Start of the slice, in seconds since the start of the run. */
  atS: number;
  count: number;
  p50: number;
  p99: number;
  max: number;
}

/** An hour in microseconds, longer than any run. */
const MAX_US = 3_600_000_000;
/** Samples kept for the plot. The histogram counts all. */
const MAX_SAMPLES = 200_000;
const MAX_SLICES = 120;
/** Percentiles of the plot. */
const CURVE = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.99, 100];

/** Records latencies in an HDR histogram with three significant digits, with their times. */
export class LatencyRecorder {
  private readonly histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  });
  private readonly samples: { atMs: number; ms: number }[] = [];

  /** @param atMs Due time of the request since the start of the run. @param ms Latency. */
  record(atMs: number, ms: number): void {
    this.histogram.recordValue(Math.min(MAX_US, Math.max(1, Math.round(ms * 1_000))));
    if (this.samples.length < MAX_SAMPLES) this.samples.push({ atMs, ms });
  }

  get count(): number {
    return this.histogram.totalCount;
  }

  summary(): LatencySummary {
    const at = (percentile: number) => this.percentile(percentile);
    return {
      count: this.count,
      min: this.millis(this.histogram.minNonZeroValue),
      mean: this.millis(this.histogram.mean),
      p50: at(50),
      p90: at(90),
      p95: at(95),
      p99: at(99),
      'p99.9': at(99.9),
      max: this.millis(this.histogram.maxValue),
    };
  }

  /** @returns Points of the percentile plot. */
  curve(): [percentile: number, ms: number][] {
    if (this.count === 0) return [];
    return CURVE.map((percentile) => [percentile, this.percentile(percentile)!]);
  }

  /** @returns The run in slices of equal length. */
  slices(): LatencySlice[] {
    const endMs = this.samples.reduce((end, { atMs }) => Math.max(end, atMs), 0);
    const sliceMs = Math.max(100, Math.ceil((endMs + 1) / MAX_SLICES));
    const slices = new Map<number, number[]>();
    for (const { atMs, ms } of this.samples) {
      const index = Math.floor(atMs / sliceMs);
      const slice = slices.get(index);
      if (slice) slice.push(ms);
      else slices.set(index, [ms]);
    }
    return [...slices]
      .sort(([a], [b]) => a - b)
      .map(([index, times]) =>
        sliceOf(
          (index * sliceMs) / 1_000,
          times.sort((a, b) => a - b),
        ),
      );
  }

  /** The histogram returns the end of a bucket, which can exceed the greatest value. */
  private percentile(percentile: number): number | null {
    return this.millis(Math.min(this.histogram.getValueAtPercentile(percentile), this.histogram.maxValue));
  }

  private millis(us: number): number | null {
    return this.count === 0 ? null : Math.round(us) / 1_000;
  }
}

function sliceOf(atS: number, sorted: number[]): LatencySlice {
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { atS, count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! };
}
