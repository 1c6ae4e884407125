import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { ListenAddress } from '../platform/listen-address.js';
import { newId } from '../platform/ids.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { LoadRuns, RUN_CACHE_MS, RUN_TOKEN_HEADER, tokenHash } from './load-runs.js';
import type { BenchmarkRun } from './benchmark-run.entity.js';
import { BenchmarkRunRepository } from './benchmark-run.repository.js';
import { BenchmarkBusy, BenchmarkCancelled, BenchmarkRunEnded, BenchmarkRunNotFound } from './benchmark.errors.js';
import type { RunSettings } from './benchmark.schema.js';
import { overTimeOf, reportOf, runDetailOf, runViewOf } from './benchmark.view.js';
import { EngineProcess } from './engine/engine-process.js';
import type { ServerSentEvent } from '../http/event-stream.js';
import {
  type LoadPlan,
  type LoadProgress,
  type LoadResult,
  type ReceiverPlan,
  requestBody,
} from './engine/load-plan.js';

/** Interval of a run's heartbeats, which also find out that it was cancelled. */
const BEAT_EVERY_MS = 500;
const ANSWER_TIMEOUT_MS = 30_000;
/** A longer run is ended. */
const MAX_RUN_MS = 1_800_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

/** A started run. `ended` settles with its report. */
export interface BegunRun {
  view: object;
  id: string;
  ended: Promise<object>;
}

/** Runs load tests against this service, one at a time per installation, and keeps their results. */
@Injectable()
export class BenchmarkService implements OnModuleDestroy {
  private readonly logger = new Logger(BenchmarkService.name);
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly runs: BenchmarkRunRepository,
    private readonly exemptions: LoadRuns,
    private readonly address: ListenAddress,
    @Inject(CONFIG) private readonly config: Pick<Config, 'REDIS_URL'>,
  ) {}

  /**
   * Starts a run in the background.
   * @param authorization `Authorization` of the caller, with which the load is sent too.
   * @throws BenchmarkBusy when another run is in progress.
   */
  async begin(settings: RunSettings, authorization?: string): Promise<BegunRun> {
    const id = newId();
    const token = randomBytes(32).toString('hex');
    const isBegun = await this.runs.begin({ id, mode: settings.mode, settings, tokenHash: tokenHash(token) });
    if (!isBegun) throw new BenchmarkBusy();
    const view = await this.view(id);
    const headers = { [RUN_TOKEN_HEADER]: token, ...(authorization !== undefined && { authorization }) };
    const ended = this.run(id, settings, headers);
    this.running = ended.catch((error: unknown) => this.logger.warn(`Benchmark ${id}: ${String(error)}`));
    return { view, id, ended };
  }

  /** @throws BenchmarkRunNotFound */
  async find(id: string): Promise<BenchmarkRun> {
    const row = UUID.test(id) ? await this.runs.find(id) : null;
    if (!row) throw new BenchmarkRunNotFound();
    return row;
  }

  async view(id: string): Promise<object> {
    return runDetailOf(await this.find(id));
  }

  async list(limit: number): Promise<object> {
    return { runs: (await this.runs.list(limit)).map(runViewOf) };
  }

  /**
   * Cancels a run of any process. Its exemptions end at once, its load with the next heartbeat.
   * @throws BenchmarkRunNotFound, BenchmarkRunEnded
   */
  async cancel(id: string): Promise<object> {
    const { status } = await this.find(id);
    if (!(await this.runs.end(id, 'CANCELLED'))) throw new BenchmarkRunEnded(status);
    this.exemptions.invalidate();
    return this.view(id);
  }

  /** Yields the state of a run until it has ended. Read from the database, because any process can get the request. */
  async *events(id: string): AsyncGenerator<ServerSentEvent> {
    while (!this.stopping.signal.aborted) {
      const row = await this.find(id);
      const isOver = row.status !== 'RUNNING';
      yield { type: isOver ? 'end' : 'progress', data: runDetailOf(row) };
      if (isOver) return;
      await sleep(BEAT_EVERY_MS, undefined, { ref: false });
    }
  }

  /** Ends the run before connections are closed: a request that waits for it would delay the shutdown. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(id: string, settings: RunSettings, headers: Record<string, string>): Promise<object> {
    try {
      const receiver = this.receiverPlan();
      const engine = await EngineProcess.open(receiver);
      try {
        await this.runs.openReceiver(id, engine.receiverUrl);
        this.exemptions.invalidate();
        // Until every process has read the exemptions.
        await sleep(RUN_CACHE_MS);
        const load = await this.measure(id, settings, engine, headers);
        const result = reportOf(load, settings);
        if (!(await this.runs.end(id, 'COMPLETED', { result, overTime: overTimeOf(load) })))
          throw new BenchmarkCancelled();
        return result;
      } finally {
        engine.end();
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await this.runs.end(id, 'FAILED', { error: why });
      throw error;
    } finally {
      this.exemptions.invalidate();
    }
  }

  /** Runs the load and sends heartbeats. Ends the load when the run is cancelled. */
  private async measure(
    id: string,
    settings: RunSettings,
    engine: EngineProcess,
    headers: Record<string, string>,
  ): Promise<LoadResult> {
    let newest: LoadProgress | null = null;
    let isOver = false;
    const deadlineMs = performance.now() + MAX_RUN_MS;
    const working = engine.run(this.plan(id, settings, headers), (progress) => (newest = progress));
    const worked = working.finally(() => (isOver = true));
    worked.catch(() => undefined);
    while (!isOver) {
      await Promise.race([worked.catch(() => undefined), sleep(BEAT_EVERY_MS)]);
      const isRunning = await this.runs.beat(id, newest).catch(() => true);
      if (!isRunning) throw new BenchmarkCancelled();
      if (this.stopping.signal.aborted || performance.now() > deadlineMs) engine.end();
    }
    return worked;
  }

  private plan(id: string, settings: RunSettings, headers: Record<string, string>): LoadPlan {
    const { mode, report, rate, concurrency, num_requests } = settings;
    const { host, port, url } = this.address;
    return {
      mode,
      targetUrl: ANY_ADDRESS.has(host) ? `http://127.0.0.1:${port}` : url,
      body: requestBody(report, { iterations: settings.iterations, rows: settings.num_transactions }),
      model:
        rate === undefined
          ? { kind: 'closed', requests: num_requests, concurrency }
          : {
              kind: 'open',
              ratePerS: rate,
              durationMs: settings.duration_seconds * 1_000,
              rampMs: settings.ramp_seconds * 1_000,
            },
      warmUp: 0,
      lane: `benchmark-${id}`,
      headers,
      patienceMs: ANSWER_TIMEOUT_MS,
    };
  }

  /** The receiver listens on loopback, unless a worker on another machine may have to call it. */
  private receiverPlan(): ReceiverPlan {
    const token = `bench_${randomBytes(32).toString('hex')}`;
    const isShared = this.config.REDIS_URL !== undefined && ANY_ADDRESS.has(this.address.host);
    const address = isShared ? ownAddress() : undefined;
    if (address === undefined) return { listenHost: '127.0.0.1', port: 0, publicHost: '127.0.0.1', token };
    return { listenHost: address, port: 0, publicHost: address, token };
  }
}

/** An IPv4 address of this machine that is not loopback. */
function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}
