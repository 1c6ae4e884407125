import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { z } from 'zod';

const RESOLUTION_MS = 20;
const HUNDREDTHS = 100;

export const processLoad = z.object({
  cpu: z.object({
    cores: z.int(),
    process_percent: z.number().describe('CPU time of this process since the report before; 100 is one core'),
    load_average: z.array(z.number()).describe('Of the machine, over 1, 5 and 15 minutes'),
  }),
  memory: z.object({
    rss_bytes: z.int(),
    heap_used_bytes: z.int(),
    heap_total_bytes: z.int(),
    external_bytes: z.int(),
    machine_free_bytes: z.int(),
    machine_total_bytes: z.int(),
  }),
  event_loop_lag_ms: z
    .object({ mean: z.number(), p99: z.number(), max: z.number() })
    .describe('Lag of the event loop since the report before'),
});
type Load = z.infer<typeof processLoad>;

const rounded = (value: number): number => Math.round(value * HUNDREDTHS) / HUNDREDTHS;

/** Measures what this process uses of its machine. */
@Injectable()
export class ProcessLoad implements OnApplicationShutdown {
  private readonly loop: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private cpu = process.cpuUsage();
  private readAtMs = performance.now();

  constructor() {
    this.loop.enable();
  }

  onApplicationShutdown(): void {
    this.loop.disable();
  }

  /** @returns The load now, or since the last call. */
  read(): Load {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    return {
      cpu: { cores: availableParallelism(), process_percent: this.cpuPercent(), load_average: loadavg().map(rounded) },
      memory: {
        rss_bytes: rss,
        heap_used_bytes: heapUsed,
        heap_total_bytes: heapTotal,
        external_bytes: external,
        machine_free_bytes: freemem(),
        machine_total_bytes: totalmem(),
      },
      event_loop_lag_ms: this.lag(),
    };
  }

  private cpuPercent(): number {
    const [used, nowMs] = [process.cpuUsage(this.cpu), performance.now()];
    const percent = (used.user + used.system) / 10 / Math.max(1, nowMs - this.readAtMs);
    this.cpu = process.cpuUsage();
    this.readAtMs = nowMs;
    return rounded(percent);
  }

  private lag(): Load['event_loop_lag_ms'] {
    if (this.loop.count === 0) return { mean: 0, p99: 0, max: 0 };
    // The histogram measures the interval between two turns, in nanoseconds.
    const lagMs = (ns: number): number => rounded(Math.max(0, ns / 1e6 - RESOLUTION_MS));
    const lag = { mean: lagMs(this.loop.mean), p99: lagMs(this.loop.percentile(99)), max: lagMs(this.loop.max) };
    this.loop.reset();
    return lag;
  }
}
