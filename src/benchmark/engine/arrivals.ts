import { setTimeout as sleep } from 'node:timers/promises';
import type { ClosedModel, LoadPlan, OpenModel } from './load-plan.js';

/** Sends request number `index` of a client, due at `intendedMs` of `performance.now()`; must not reject. */
export type Fire = (index: number, intendedMs: number, client: number) => Promise<void>;

/** Under this a timer is not worth it. */
const SPIN_MS = 0.5;

/** How many requests a plan sends. */
export function requestCount(model: LoadPlan['model']): number {
  if (model.kind === 'closed') return model.requests;
  const { ratePerS, durationMs, rampMs } = model;
  // During the ramp the rate is on average half of what it will be.
  return Math.max(1, Math.floor((ratePerS * (durationMs - Math.min(rampMs, durationMs) / 2)) / 1_000));
}

/**
 * Pure: when request number `index` is due, in milliseconds from the start. During the ramp the rate grows evenly, so
 * the count grows with the square of the time; after it, one request comes every 1/rate.
 */
export function dueMs(index: number, { ratePerS, rampMs }: Pick<OpenModel, 'ratePerS' | 'rampMs'>): number {
  const perMs = ratePerS / 1_000;
  const inRamp = (perMs * rampMs) / 2;
  if (index < inRamp) return Math.sqrt((2 * index * rampMs) / perMs);
  return rampMs + (index - inRamp) / perMs;
}

/**
 * Closed model: a client sends when it has the answer to the one before. It cannot see a stall that keeps it from
 * sending, which is why there is the open model.
 * @param mayGoOn Awaited before each request.
 */
export async function driveClosed(
  { requests, concurrency }: ClosedModel,
  fire: Fire,
  mayGoOn: () => Promise<boolean>,
): Promise<void> {
  let next = 0;
  const client = async (_: unknown, number: number): Promise<void> => {
    while (next < requests && (await mayGoOn())) {
      if (next >= requests) return;
      await fire(next++, performance.now(), number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, requests) }, client));
}

/**
 * Open model: a request is due when it is due, whatever became of those before it. Its latency counts from there, so
 * that a stalled service cannot hold back the measurements of its own stall (no coordinated omission).
 */
export async function driveOpen(model: OpenModel, fire: Fire, mayGoOn: () => Promise<boolean>): Promise<void> {
  const startMs = performance.now();
  const total = requestCount(model);
  const underWay: Promise<void>[] = [];
  for (let index = 0; index < total; index++) {
    const intendedMs = startMs + dueMs(index, model);
    const waitMs = intendedMs - performance.now();
    if (waitMs > SPIN_MS) await sleep(waitMs);
    if (!(await mayGoOn())) break;
    underWay.push(fire(index, intendedMs, 0));
  }
  await Promise.all(underWay);
}
