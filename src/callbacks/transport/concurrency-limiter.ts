import type { Socket } from 'node:net';
import type { Client } from 'undici';

/** Attempts in flight, and connections, of one process. */
export const MAX_CONCURRENCY = 64;
/** Attempts in flight, and connections, to one destination. A slow destination leaves the rest to the others. */
export const MAX_CONCURRENCY_PER_DESTINATION = 8;

/** Limits the attempts in flight, per destination and in all. */
export class AttemptLimiter {
  private readonly inFlight = new Map<string, number>();
  private total = 0;

  /** @returns How many more attempts to a destination may start now. */
  room(destination: string): number {
    return Math.min(
      MAX_CONCURRENCY - this.total,
      MAX_CONCURRENCY_PER_DESTINATION - (this.inFlight.get(destination) ?? 0),
    );
  }

  /** Whether no attempt to a destination is in flight. */
  isIdle(destination: string): boolean {
    return !this.inFlight.has(destination);
  }

  /** Takes up to `wanted` permits. @returns How many it took. */
  take(destination: string, wanted: number): number {
    const count = Math.max(0, Math.min(wanted, this.room(destination)));
    if (count === 0) return 0;
    this.total += count;
    this.inFlight.set(destination, (this.inFlight.get(destination) ?? 0) + count);
    return count;
  }

  /** Returns permits that were taken. */
  free(destination: string, count = 1): void {
    if (count === 0) return;
    this.total -= count;
    const left = this.inFlight.get(destination)! - count;
    if (left > 0) this.inFlight.set(destination, left);
    else this.inFlight.delete(destination);
  }
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
