import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { closeUpload } from '../body/refused-upload.js';
import { clientNetwork } from '../../http/client-network.js';

/** Refusals of one client network that are answered at once, in each second. */
const FREE_PER_SECOND = 50;
const WINDOW_MS = 1_000;
/** How long each further refusal is delayed: at least, and the random part that spreads them out. */
const DELAY_MS = 500;
const SPREAD_MS = 1_000;
/** Refusals of this process that wait. The connections of further ones are closed without a response. */
const MAX_WAITING = 1_000;

/**
 * Slows down clients that send requests without a valid key as fast as they are refused. Each of them waits on its own
 * connection, of which nothing is read meanwhile, so that a flood takes little time from other callers and no memory.
 */
@Injectable()
export class RefusalBrake {
  /** Refusals in this window by client network. It has no more entries than there were refusals. */
  private readonly counts = new Map<string, number>();
  private readonly delayed = new WeakSet<Socket>();
  private windowStartMs = Number.NEGATIVE_INFINITY;
  private waiting = 0;

  /** Returns at once while the client network has few refusals, else after the delay. Afterwards the caller refuses. */
  async hold(request: Request): Promise<void> {
    const { ip, socket } = request;
    // A client that sends the next request while one is delayed would make this process keep all of them.
    if (this.waiting >= MAX_WAITING || this.delayed.has(socket)) socket.destroy();
    else if (this.count(clientNetwork(ip)) > FREE_PER_SECOND) await this.delay(request);
  }

  private count(network: string): number {
    const nowMs = performance.now();
    if (nowMs - this.windowStartMs >= WINDOW_MS) {
      this.counts.clear();
      this.windowStartMs = nowMs;
    }
    const count = (this.counts.get(network) ?? 0) + 1;
    this.counts.set(network, count);
    return count;
  }

  private async delay(request: Request): Promise<void> {
    const { socket } = request;
    closeUpload(request);
    const wasPaused = socket.isPaused();
    socket.pause();
    this.delayed.add(socket);
    this.waiting += 1;
    await sleep(DELAY_MS + SPREAD_MS * Math.random());
    this.waiting -= 1;
    this.delayed.delete(socket);
    if (!wasPaused) socket.resume();
  }
}
