import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

/** The first try after one that sent nothing follows after this time. */
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;
/** After this time a try that sends nothing counts as an attempt, so that the retry schedule ends the delivery. */
export const PATIENCE_MS = 86_400_000;
/** Delays are spread by this share in both directions, so that deliveries that waited together are not tried together. */
const JITTER = 0.25;
/** Destinations without a nameserver that one process keeps in memory. */
const MAX_DESTINATIONS = 10_000;

/**
 * @param waitedMs Time since the first try that sent nothing.
 * @param random At least 0 and less than 1.
 * @returns The delay before the next try in milliseconds. It equals the time waited so far, and so doubles each time.
 */
export function waitMs(waitedMs: number, random = Math.random()): number {
  return Math.min(Math.max(waitedMs, FIRST_WAIT_MS), LONGEST_WAIT_MS) * (1 - JITTER + 2 * JITTER * random);
}

interface Wait {
  sinceMs: number;
  untilMs: number;
}

/**
 * The destinations whose name could not be resolved, as this process knows them. Each waits as a whole and is then tried with one
 * delivery, so that its backlog takes up neither permits nor lookups. Times are by `performance.now()`.
 */
@Injectable()
export class UnresolvedDestinations {
  private readonly waits = new LRUCache<string, Wait>({ max: MAX_DESTINATIONS });

  /**
   * The name of a destination could not be resolved.
   * @param waitedMs How long the delivery that found out has waited.
   * @returns The time of the next try.
   */
  hold(destination: string, waitedMs: number, nowMs = performance.now()): number {
    const sinceMs = Math.min(this.waits.get(destination)?.sinceMs ?? nowMs, nowMs - waitedMs);
    const untilMs = nowMs + waitMs(nowMs - sinceMs);
    this.waits.set(destination, { sinceMs, untilMs });
    return untilMs;
  }

  /** The name was resolved. */
  release(destination: string): void {
    if (this.waits.size > 0) this.waits.delete(destination);
  }

  /** @returns Time until the destination may be tried with one delivery; null if nothing is known against it. */
  triedInMs(destination: string, nowMs = performance.now()): number | null {
    const wait = this.waits.get(destination);
    return wait ? Math.max(0, wait.untilMs - nowMs) : null;
  }
}
