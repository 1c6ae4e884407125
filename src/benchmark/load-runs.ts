import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OpenedReceivers } from '../callbacks/url-guard/opened-receivers.js';
import { Database } from '../platform/database/database.js';

/** The header that bears a run's token: for that run, and that run alone, the rate limits are lifted. */
export const RUN_TOKEN_HEADER = 'x-benchmark-token';
/** A run whose process has been silent for so long is over, whatever its row says. */
export const RUN_ALIVE_S = 15;
/** What this process knows of the run under way may be so old. A run waits as long before it sends anything. */
export const RUN_KNOWN_MS = 250;
/** What the path of a run's receiver begins with. */
const RECEIVER_PATH = /^https?:\/\/[^/?#]+\/bench_[0-9a-f]{64}\//;

/** Awaited on the way of every request, and so made once. */
const NOTHING_TO_LOOK_UP = Promise.resolve();

interface OpenRun {
  token_hash: string;
  receiver_url: string | null;
}

/** SHA-256, hex: what is stored of a run's token. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * What is opened for the load test that is under way, and only while it is: its token passes the rate limits, and its
 * own receiver may be called back. The row of the run in the database says so, for every process of the installation.
 */
@Injectable()
export class LoadRuns extends OpenedReceivers {
  private run: OpenRun | null = null;
  private knownUntilMs = Number.NEGATIVE_INFINITY;
  private asking: Promise<void> | null = null;

  constructor(private readonly database: Database) {
    super();
  }

  /** Whether this is the token of the run under way. */
  async admits(token: string): Promise<boolean> {
    await this.refresh();
    return this.run !== null && isSame(tokenHash(token), this.run.token_hash);
  }

  /** To be awaited before {@link isReceiver} is asked about a URL. Costs nothing for one that no receiver of ours has. */
  override lookUp(url: string): Promise<void> {
    return RECEIVER_PATH.test(url) ? this.refresh() : NOTHING_TO_LOOK_UP;
  }

  /** Whether a URL is one of the callback URLs of the run under way. */
  override isReceiver(url: URL): boolean {
    if (!this.run?.receiver_url) return false;
    const base = /^\/[^/]+\//.exec(url.pathname)?.[0] ?? '';
    return isSame(url.origin + base, this.run.receiver_url);
  }

  /** Whether the receiver of the run under way is there (scheme, host and port). */
  override isReceiverOrigin(url: URL): boolean {
    return this.run?.receiver_url?.startsWith(`${url.origin}/`) === true;
  }

  /** A run of this process began or ended. */
  forget(): void {
    this.run = null;
    this.knownUntilMs = Number.NEGATIVE_INFINITY;
  }

  private async refresh(): Promise<void> {
    if (performance.now() < this.knownUntilMs) return;
    this.asking ??= this.ask().finally(() => (this.asking = null));
    await this.asking;
  }

  private async ask(): Promise<void> {
    const text = `SELECT token_hash, receiver_url FROM benchmark_runs
      WHERE status = 'RUNNING' AND seen_at > now() - $1 * interval '1 second'`;
    const rows = await this.database
      .query<OpenRun>({ name: 'load_run_open', text }, [RUN_ALIVE_S])
      // While the database is away nothing is open.
      .catch(() => []);
    this.run = rows[0] ?? null;
    this.knownUntilMs = performance.now() + RUN_KNOWN_MS;
  }
}
