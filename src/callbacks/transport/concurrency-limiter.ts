import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { type Target, targetKey } from '../destinations/target.js';

/** Attempts in flight, and connections, of one process. */
export const MAX_CONCURRENCY = 64;
/** Attempts in flight to one destination for one account. A slow destination leaves the rest to the others. */
export const MAX_CONCURRENCY_PER_TARGET = 8;
/** Attempts in flight, and connections, to one destination for all accounts. */
export const MAX_CONCURRENCY_PER_DESTINATION = 32;

/** An account may have up to this many attempts in flight for each permit that is left. */
const SHARE_OF_LEFT = 7;

/**
 * Limits the attempts in flight: in all, per account, per destination, and per destination of an account.
 *
 * Accounts share by dynamic thresholds (Choudhury and Hahne, 1998): an account may take a permit while it has fewer than seven
 * times the permits that are left. One account alone gets 56 of 64, two get 30 each, and some are left for an account that has
 * nothing in flight yet. A destination's permits are shared likewise, so one account alone gets its 8 of 32.
 */
export class AttemptLimiter {
  private readonly byAccount = new Map<string, number>();
  private readonly byDestination = new Map<string, number>();
  private readonly byTarget = new Map<string, number>();
  private total = 0;

  /** @param isShared False if all permits may go to one account, as in an open installation, which has no other. */
  constructor(private readonly isShared: boolean) {}

  /** Whether no permit is left for any account. */
  get isFull(): boolean {
    return this.total >= MAX_CONCURRENCY;
  }

  /** @returns The attempts of an account that are in flight. */
  inFlightOf(accountId: string): number {
    return this.byAccount.get(accountId) ?? 0;
  }

  /** @returns How many more attempts to a destination of an account may start now. */
  room(target: Target): number {
    let count = 0;
    while (this.mayTake(target, count)) count++;
    return count;
  }

  /** Whether no attempt to a destination is in flight. */
  isIdle(destination: string): boolean {
    return !this.byDestination.has(destination);
  }

  /** Takes up to `wanted` permits. @returns How many it took. */
  take(target: Target, wanted: number): number {
    const count = Math.max(0, Math.min(wanted, this.room(target)));
    this.add(target, count);
    return count;
  }

  /** Returns permits that were taken. */
  free(target: Target, count = 1): void {
    this.add(target, -count);
  }

  /** Whether one more permit may be taken after `taken` others. */
  private mayTake(target: Target, taken: number): boolean {
    const left = MAX_CONCURRENCY - this.total - taken;
    const leftThere = MAX_CONCURRENCY_PER_DESTINATION - (this.byDestination.get(target.destination) ?? 0) - taken;
    const own = (this.byTarget.get(targetKey(target)) ?? 0) + taken;
    if (left <= 0 || leftThere <= 0 || own >= MAX_CONCURRENCY_PER_TARGET) return false;
    return !this.isShared || (this.inFlightOf(target.accountId) + taken < SHARE_OF_LEFT * left && own < leftThere);
  }

  private add(target: Target, count: number): void {
    if (count === 0) return;
    this.total += count;
    addTo(this.byAccount, target.accountId, count);
    addTo(this.byDestination, target.destination, count);
    addTo(this.byTarget, targetKey(target), count);
  }
}

function addTo(counts: Map<string, number>, key: string, count: number): void {
  const sum = (counts.get(key) ?? 0) + count;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}

/**
 * Limits the connections of a process, idle ones included: before a new one is dialled, the oldest idle ones are closed. Pings
 * need no permit of the {@link AttemptLimiter}, so connections in use may exceed the limit for a moment.
 */
export class ConnectionLimiter {
  /** In the order in which they were dialled; null while a dial is in progress. */
  private readonly sockets = new Map<Client, Socket | null>();

  constructor(private readonly limit: number) {}

  /** Makes room for a connection that is about to be dialled. */
  dialling(client: Client): void {
    this.sockets.set(client, null);
    for (const [other, socket] of this.sockets) {
      if (this.sockets.size <= this.limit) return;
      if (!socket || other.stats.size > 0) continue;
      this.sockets.delete(other);
      socket.destroy();
    }
  }

  /** @param socket Null if the dial failed. */
  dialled(client: Client, socket: Socket | null): void {
    if (!socket) {
      this.sockets.delete(client);
      return;
    }
    this.sockets.set(client, socket);
    socket.once('close', () => {
      if (this.sockets.get(client) === socket) this.sockets.delete(client);
    });
  }
}
