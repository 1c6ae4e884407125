import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OpenedReceivers } from '../callbacks/url-guard/opened-receivers.js';
import type { BenchmarkRun } from './benchmark-run.entity.js';
import { BenchmarkRunRepository } from './benchmark-run.repository.js';

/** The header with a run's token. Requests of the run in progress are exempt from rate limits. */
export const RUN_TOKEN_HEADER = 'x-benchmark-token';
/** Lifetime of the cached run in each process. A new run waits as long before its first request. */
export const RUN_CACHE_MS = 250;
/** Start of every callback URL of a run. */
const RECEIVER_PATH = /^https?:\/\/[^/?#]+\/bench_[0-9a-f]{64}\//;

/** One shared promise: {@link LoadRuns.lookUp} is awaited for every request. */
const NOTHING_TO_LOOK_UP = Promise.resolve();

/** @returns The SHA-256 of a run's token in hex, which is stored instead of the token. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The two exemptions of the load test in progress: its token passes the rate limits, and callbacks may go to its receiver.
 * Both end with the run. They are read from its row, so that every process of the installation agrees.
 */
@Injectable()
export class LoadRuns extends OpenedReceivers {
  private run: Pick<BenchmarkRun, 'tokenHash' | 'receiverUrl'> | null = null;
  private validUntilMs = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | null = null;

  constructor(private readonly runs: BenchmarkRunRepository) {
    super();
  }

  /** Whether this is the token of the run in progress. */
  async admits(token: string): Promise<boolean> {
    await this.refresh();
    return this.run !== null && isSame(tokenHash(token), this.run.tokenHash);
  }

  /** Must be awaited before {@link isReceiver}. Reads nothing unless the URL has the form of a run's receiver. */
  override lookUp(url: string): Promise<void> {
    return RECEIVER_PATH.test(url) ? this.refresh() : NOTHING_TO_LOOK_UP;
  }

  /** Whether the URL is a callback URL of the run in progress. */
  override isReceiver(url: URL): boolean {
    if (!this.run?.receiverUrl) return false;
    const base = /^\/[^/]+\//.exec(url.pathname)?.[0] ?? '';
    return isSame(url.origin + base, this.run.receiverUrl);
  }

  /** Whether the receiver of the run in progress has this scheme, host and port. */
  override isReceiverOrigin(url: URL): boolean {
    return this.run?.receiverUrl?.startsWith(`${url.origin}/`) === true;
  }

  /** Drops the cached run. Must be called when a run of this process starts or ends. */
  invalidate(): void {
    this.run = null;
    this.validUntilMs = Number.NEGATIVE_INFINITY;
  }

  private async refresh(): Promise<void> {
    if (performance.now() < this.validUntilMs) return;
    this.reading ??= this.read().finally(() => (this.reading = null));
    await this.reading;
  }

  private async read(): Promise<void> {
    // Without the database there are no exemptions.
    this.run = await this.runs.findOpen().catch(() => null);
    this.validUntilMs = performance.now() + RUN_CACHE_MS;
  }
}
