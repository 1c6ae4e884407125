import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Caller } from '../../http/caller.js';
import { StreamsBusy, TooManyStreams } from './live.errors.js';

/** Event streams of one caller in one process. With `AUTH=open`, all clients of a network are one caller. */
const MAX_OF_CALLER = 32;
/** Event streams of one account, whose keys and users are callers of their own. */
const MAX_OF_ACCOUNT = 64;
/** Event streams of all callers in one process. */
const MAX_TOTAL = 500;
/** Longest life of a stream. Its client connects again, and is authenticated again. */
const MAX_LIFE_MS = 300_000;

/** The event streams of requests that this process serves: bounds their number and their life. */
@Injectable()
export class OpenStreams implements OnModuleDestroy {
  private readonly counts = new Map<string, number>();
  private readonly ends = new Set<AbortController>();
  private isStopping = false;

  /**
   * Runs a stream.
   * @param stream Ends when its signal aborts: after five minutes, or when the service stops.
   * @throws TooManyStreams, StreamsBusy
   */
  async run(caller: Pick<Caller, 'id' | 'account'>, stream: (ended: AbortSignal) => Promise<void>): Promise<void> {
    const shares = this.take(caller);
    const end = new AbortController();
    this.ends.add(end);
    const timer = setTimeout(() => end.abort(), MAX_LIFE_MS).unref();
    if (this.isStopping) end.abort();
    try {
      await stream(end.signal);
    } finally {
      clearTimeout(timer);
      this.ends.delete(end);
      for (const share of shares) this.count(share, -1);
    }
  }

  /** Ends all streams before connections are closed, which would wait for them. */
  onModuleDestroy(): void {
    this.isStopping = true;
    for (const end of this.ends) end.abort();
  }

  /** @returns The names of the counts to which a stream was added. */
  private take({ id, account }: Pick<Caller, 'id' | 'account'>): string[] {
    this.check(`caller ${id}`, MAX_OF_CALLER, 'yours');
    if (account !== null) this.check(`account ${account}`, MAX_OF_ACCOUNT, 'your account');
    if (this.ends.size >= MAX_TOTAL)
      throw new StreamsBusy(`This process has ${MAX_TOTAL} event streams open, its limit`);
    const shares = account === null ? [`caller ${id}`] : [`caller ${id}`, `account ${account}`];
    for (const share of shares) this.count(share, 1);
    return shares;
  }

  private check(share: string, max: number, whose: string): void {
    if ((this.counts.get(share) ?? 0) < max) return;
    throw new TooManyStreams(`${max} event streams of ${whose} are open, which is the limit. Close one and try again.`);
  }

  private count(share: string, change: 1 | -1): void {
    const count = (this.counts.get(share) ?? 0) + change;
    if (count === 0) this.counts.delete(share);
    else this.counts.set(share, count);
  }
}
