import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { type Fire, driveClosed, driveOpen, requestCount } from './arrivals.js';
import type { CallbackReceiver, IndexedArrival } from './callback-receiver.js';
import { exchange } from './exchange.js';
import { LatencyRecorder } from './latency.js';
import type { CallbackResult, LoadPlan, LoadProgress, StageResult } from './load-plan.js';
import { type Accepted, checkOrder } from './order-checker.js';

/** Limit of acknowledged requests without a callback in the closed model, below a lane's `MAX_PENDING`. */
const MAX_UNFINISHED = 500;
const POLL_EVERY_MS = 5;
/** Wait after the last callback, to detect repeated ones. */
const GRACE_MS = 100;
const MAX_ERROR_TEXT = 300;

/** One mode of a run. Sends the requests, waits for the callbacks and returns the result. */
export class Stage {
  private readonly path: string;
  private readonly headers: Record<string, string>;
  private readonly latency = new LatencyRecorder();
  private readonly errors: Record<string, number> = {};
  private readonly accepted: Accepted[] = [];
  private readonly intendedMs: number[] = [];
  private readonly progress: LoadProgress;
  private arrivals: IndexedArrival[] = [];
  private firstError: string | null = null;
  private startMs = 0;
  private lastArrivalMs = 0;

  constructor(
    private readonly mode: 'sync' | 'async',
    private readonly plan: LoadPlan,
    /** One per client, or one for all. */
    private readonly connections: Dispatcher[],
    private readonly receiver: CallbackReceiver | null,
    /** Gets the same object each time. */
    private readonly onProgress: (progress: Readonly<LoadProgress>) => void,
    private readonly signal: AbortSignal,
  ) {
    this.path = `/api/${mode}`;
    this.headers = { ...plan.headers, 'content-type': 'application/json' };
    this.progress = { stage: mode, total: requestCount(plan.model), sent: 0, answered: 0, failed: 0, callbacks: 0 };
  }

  async run(): Promise<StageResult> {
    const { model } = this.plan;
    this.arrivals = this.receiver?.begin(() => this.arrived()) ?? [];
    this.startMs = performance.now();
    this.lastArrivalMs = this.startMs;
    const fire: Fire = (index, intendedMs, client) => this.fire(index, intendedMs, client);
    if (model.kind === 'closed') await driveClosed(model, fire, () => this.hasRoom());
    else await driveOpen(model, fire, () => Promise.resolve(!this.signal.aborted));
    const durationMs = performance.now() - this.startMs;
    if (this.mode === 'async') await this.awaitCallbacks();
    return this.result(durationMs);
  }

  /** Waits while too many requests are unfinished. @returns False when the run is cancelled. */
  private async hasRoom(): Promise<boolean> {
    while (this.mode === 'async' && !this.signal.aborted && this.unfinished() >= MAX_UNFINISHED) {
      if (this.isSilent()) break;
      await sleep(POLL_EVERY_MS);
    }
    return !this.signal.aborted;
  }

  private unfinished(): number {
    return this.accepted.length - this.arrivals.length;
  }

  private async fire(index: number, intendedMs: number, client: number): Promise<void> {
    this.intendedMs[index] = intendedMs;
    this.progress.sent++;
    const sentMs = performance.now();
    try {
      const { connections, path, headers } = this;
      const options = { path, method: 'POST', headers, body: this.bodyOf(index) } as const;
      const { status, text } = await exchange(connections[client % connections.length]!, options);
      this.answered(status, text, intendedMs, sentMs);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      if (!this.signal.aborted) this.failed(code, `${code} ${error instanceof Error ? error.message : ''}`);
    }
    this.report();
  }

  private bodyOf(index: number): string {
    const { body, lane } = this.plan;
    return JSON.stringify(
      this.mode === 'sync' ? body : { ...body, lane, callback_url: this.receiver?.urlOf(index) ?? null },
    );
  }

  private answered(status: number, text: string, intendedMs: number, sentMs: number): void {
    const nowMs = performance.now();
    if (status !== (this.mode === 'sync' ? 200 : 202)) return this.failed(String(status), `${status} ${text}`);
    this.progress.answered++;
    this.latency.record(intendedMs - this.startMs, nowMs - intendedMs);
    if (this.mode === 'sync') return;
    const { request_id, queue_position } = JSON.parse(text) as { request_id: string; queue_position: number };
    this.lastArrivalMs = nowMs;
    this.accepted.push({ requestId: request_id, queuePosition: queue_position, sentMs, acknowledgedMs: nowMs });
  }

  private failed(kind: string, text: string): void {
    this.progress.failed++;
    this.errors[kind] = (this.errors[kind] ?? 0) + 1;
    this.firstError ??= text.slice(0, MAX_ERROR_TEXT);
  }

  private arrived(): void {
    this.lastArrivalMs = performance.now();
    this.progress.callbacks++;
    this.report();
  }

  private report(): void {
    this.onProgress(this.progress);
  }

  private isSilent(): boolean {
    return performance.now() - this.lastArrivalMs > this.plan.patienceMs;
  }

  /** Waits until each acknowledged request has its callback, or no callback has arrived within the timeout. */
  private async awaitCallbacks(): Promise<void> {
    const called = () => new Set(this.arrivals.map(({ requestId }) => requestId)).size;
    while (!this.signal.aborted && !this.isSilent()) {
      if (this.unfinished() <= 0 && called() >= this.accepted.length) break;
      await sleep(POLL_EVERY_MS);
    }
    if (!this.signal.aborted) await sleep(GRACE_MS);
  }

  private result(durationMs: number): StageResult {
    const { answered, failed, total, sent } = this.progress;
    return {
      mode: this.mode,
      totalRequests: this.signal.aborted ? sent : total,
      successful: answered,
      failed,
      errors: this.errors,
      firstError: this.firstError,
      latency: this.latency.summary(),
      slices: this.latency.slices(),
      curve: this.latency.curve(),
      offeredPerS: this.plan.model.kind === 'open' ? this.plan.model.ratePerS : null,
      achievedPerS: perSecond(answered, durationMs),
      durationMs: Math.round(durationMs),
      callbacks: this.mode === 'async' ? this.callbacks() : null,
    };
  }

  private callbacks(): CallbackResult {
    const times = new LatencyRecorder();
    const seen = new Set<string>();
    for (const { index, requestId, atMs } of this.arrivals) {
      const intendedMs = this.intendedMs[index];
      if (intendedMs === undefined || seen.has(requestId)) continue;
      seen.add(requestId);
      times.record(intendedMs - this.startMs, atMs - intendedMs);
    }
    return {
      received: this.arrivals.length,
      latency: times.summary(),
      slices: times.slices(),
      curve: times.curve(),
      achievedPerS: perSecond(seen.size, (this.arrivals.at(-1)?.atMs ?? this.startMs) - this.startMs),
      ...checkOrder(this.accepted, this.arrivals),
    };
  }
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? Math.round((count / ms) * 10_000) / 10 : 0;
}
