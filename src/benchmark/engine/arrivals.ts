import { setTimeout as sleep } from 'node:timers/promises';
import type { ClosedModel, LoadPlan, OpenModel } from './load-plan.js';

/** Sends request number `index`, which is due at `intendedMs` (`performance.now()`). Must not reject. */
export type Fire = (index: number, intendedMs: number, client: number) => Promise<void>;

/** Shorter waits are skipped: timers have a resolution of a millisecond. */
const SPIN_MS = 0.5;

/** @returns The number of requests of a plan. */
export function requestCount(model: LoadPlan['model']): number {
  if (model.kind === 'closed') return model.requests;
  const { ratePerS, durationMs, rampMs, maxRequests = Number.POSITIVE_INFINITY } = model;
  // The mean rate during the ramp is half of the final rate.
  const count = Math.floor((ratePerS * (durationMs - Math.min(rampMs, durationMs) / 2)) / 1_000);
  return Math.min(Math.max(1, count), maxRequests);
}

/**
 * @returns The due time of request number `index`, in milliseconds from the start. During the ramp the rate rises
 * linearly, so the count is quadratic in time. Afterwards requests are due every 1/rate.
 */
export function dueMs(index: number, { ratePerS, rampMs }: Pick<OpenModel, 'ratePerS' | 'rampMs'>): number {
  const perMs = ratePerS / 1_000;
  const inRamp = (perMs * rampMs) / 2;
  if (index < inRamp) return Math.sqrt((2 * index * rampMs) / perMs);
  return rampMs + (index - inRamp) / perMs;
}

/**
 * Closed model: each client sends its next request when it has an answer. A stall of the service also stops the clients,
 * so percentiles hide it; the open model shows it.
 * @param mayContinue Awaited before each request. False ends the client.
 */
export async function driveClosed(
  { requests, concurrency }: ClosedModel,
  fire: Fire,
  mayContinue: () => Promise<boolean>,
): Promise<void> {
  let next = 0;
  const client = async (_: unknown, number: number): Promise<void> => {
    while (next < requests && (await mayContinue())) {
      if (next >= requests) return;
      await fire(next++, performance.now(), number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, requests) }, client));
}

/**
 * Open model: requests are due at fixed times, independent of earlier answers. Latency counts from the due time, which
 * avoids coordinated omission: a stalled service cannot delay the measurement of its own stall.
 */
export async function driveOpen(model: OpenModel, fire: Fire, mayContinue: () => Promise<boolean>): Promise<void> {
  const startMs = performance.now();
  const total = requestCount(model);
  const pending: Promise<void>[] = [];
  for (let index = 0; index < total; index++) {
    const intendedMs = startMs + dueMs(index, model);
    const waitMs = intendedMs - performance.now();
    if (waitMs > SPIN_MS) await sleep(waitMs);
    if (!(await mayContinue())) break;
    pending.push(fire(index, intendedMs, 0));
  }
  await Promise.all(pending);
}
