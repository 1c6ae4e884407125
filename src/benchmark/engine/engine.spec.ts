import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { dueMs, requestCount } from './arrivals.js';
import { runLoad } from './engine.js';
import type { LoadPlan } from './load-plan.js';

const ANSWER_MS = 10;
const STALL_FROM_MS = 300;
const STALL_MS = 1_000;

const PLAN = { mode: 'sync', body: {}, warmUp: 0, lane: 'a', headers: {}, patienceMs: 5_000 } as const;

let server: Server | undefined;
afterEach(async () => {
  if (!server) return;
  server.closeAllConnections();
  await once(server.close(), 'close');
  server = undefined;
});

/** Answers after 10 ms, except for one second in which it does not answer at all. */
async function stallingService(): Promise<string> {
  let startMs = 0;
  server = createServer((request, response) => {
    const nowMs = performance.now();
    startMs ||= nowMs;
    const atMs = nowMs - startMs;
    const isStalled = atMs >= STALL_FROM_MS && atMs < STALL_FROM_MS + STALL_MS;
    const waitMs = isStalled ? STALL_FROM_MS + STALL_MS - atMs : 0;
    request.resume();
    setTimeout(() => response.end('{}'), ANSWER_MS + waitMs);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function measure(model: LoadPlan['model']) {
  const targetUrl = await stallingService();
  const plan: LoadPlan = { ...PLAN, targetUrl, model };
  const { sync } = await runLoad(plan, null, () => undefined, new AbortController().signal);
  return sync!;
}

describe('a service that stalls for a second', () => {
  it('raises the p99 of the open model, whose requests are due all the same', async () => {
    const measured = await measure({ kind: 'open', ratePerS: 100, durationMs: 3_000, rampMs: 0 });
    expect(measured).toMatchObject({ totalRequests: 300, successful: 300, failed: 0, offeredPerS: 100 });
    expect(measured.latency.p99).toBeGreaterThan(STALL_MS * 0.9);
    // A third of the run was stalled, with a mean wait of half the stall.
    expect(measured.latency.mean).toBeGreaterThan(100);
    // Timers of both processes can fire slightly early.
    expect(measured.latency.min).toBeGreaterThan(ANSWER_MS / 2);
  });

  it('does not raise the p99 of the closed model, which waits with the service', async () => {
    const measured = await measure({ kind: 'closed', requests: 200, concurrency: 1 });
    expect(measured).toMatchObject({ totalRequests: 200, successful: 200, offeredPerS: null });
    expect(measured.latency.p99).toBeLessThan(STALL_MS / 2);
    expect(measured.latency.max).toBeGreaterThan(STALL_MS * 0.9);
    const slowest = measured.slices.toSorted((a, b) => b.max - a.max)[0]!;
    expect(slowest.atS).toBeLessThanOrEqual(STALL_FROM_MS / 1_000);
  });

  it('is reported with the count of each unexpected status', async () => {
    server = createServer((_, response) => response.writeHead(429).end('too fast'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const targetUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const model = { kind: 'closed', requests: 7, concurrency: 3 } as const;
    const plan: LoadPlan = { ...PLAN, targetUrl, model };
    const { sync } = await runLoad(plan, null, () => undefined, new AbortController().signal);
    expect(sync).toMatchObject({ successful: 0, failed: 7, errors: { 429: 7 }, firstError: '429 too fast' });
    expect(sync!.latency).toMatchObject({ count: 0, p99: null });
  });
});

it('the warm-up does not count', async () => {
  let answered = 0;
  server = createServer((_, response) => setTimeout(() => response.end('{}'), answered++ < 20 ? 50 : 0));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const targetUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const model = { kind: 'closed', requests: 30, concurrency: 5 } as const;
  const plan: LoadPlan = { ...PLAN, targetUrl, model, warmUp: 20 };
  const { sync } = await runLoad(plan, null, () => undefined, new AbortController().signal);
  expect(sync).toMatchObject({ totalRequests: 30, successful: 30, latency: { count: 30 } });
  expect(sync!.latency.p50).toBeLessThan(50);
  expect(answered).toBe(50);
});

describe('the due times of requests', () => {
  it('are 1/rate apart', () => {
    expect([0, 1, 10].map((index) => dueMs(index, { ratePerS: 100, rampMs: 0 }))).toEqual([0, 10, 100]);
  });

  it('follow the ramp, then continue without a gap', () => {
    const ramp = { ratePerS: 100, rampMs: 2_000 };
    const due = Array.from({ length: 200 }, (_, index) => dueMs(index, ramp));
    expect(due[100]).toBe(2_000);
    expect(due[25]).toBe(1_000);
    expect(due[101]! - due[100]!).toBeCloseTo(10);
    for (const [index, ms] of due.entries()) expect(ms).toBeGreaterThanOrEqual(due[index - 1] ?? 0);
    expect(requestCount({ kind: 'open', durationMs: 3_000, ...ramp })).toBe(200);
  });
});
