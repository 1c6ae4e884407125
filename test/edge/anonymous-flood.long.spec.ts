/** Uploads of callers without a key neither use much memory nor delay an authenticated caller. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { get, post } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey } from '../support/keys.js';
import { UNLIMITED } from '../support/submit.js';

const FLOOD = fileURLToPath(new URL('../support/flood.js', import.meta.url));
const FLOOD_MS = 10_000;
/**
 * Both limits are generous: the flood and other tests share the processors. Parsing before authentication took 4.5 GB
 * and 33 s.
 */
const GROWTH_LIMIT_BYTES = 128 * 1_024 * 1_024;
const P99_LIMIT_MS = 2_000;

async function residentBytes(daybook: Daybook): Promise<number> {
  const { text } = await get(daybook, '/metrics');
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)![1]);
}

it(
  '400 connections with compressed and nested bodies',
  async () => {
    const daybook = await startDaybook({ env: { ...UNLIMITED, AUTH: 'required' } });
    const { headers } = await createKey(daybook, ['reports:write']);
    const ask = async (): Promise<number> => {
      const started = performance.now();
      const reply = await post(daybook, '/api/sync', { input_data: 'x', iterations: 1 }, headers);
      expect(reply.status).toBe(200);
      return performance.now() - started;
    };
    const warmUp = Array.from({ length: 32 }, async () => {
      for (let count = 0; count < 100; count++) await ask();
    });
    await Promise.all(warmUp);
    const before = await residentBytes(daybook);
    let peak = before;
    const latencies: number[] = [];
    const flood = spawn(process.execPath, [FLOOD, new URL(daybook.url).port], { stdio: 'ignore' });
    try {
      const end = performance.now() + FLOOD_MS;
      while (performance.now() < end) {
        latencies.push(await ask());
        if (latencies.length % 10 === 0) peak = Math.max(peak, await residentBytes(daybook));
        await sleep(5);
      }
    } finally {
      flood.kill();
    }
    expect(peak - before).toBeLessThan(GROWTH_LIMIT_BYTES);
    latencies.sort((a, b) => a - b);
    expect(latencies.length).toBeGreaterThan(20);
    expect(latencies[Math.floor(latencies.length * 0.99)]).toBeLessThan(P99_LIMIT_MS);
    expect(daybook.output()).not.toMatch(/ERROR|FATAL/);
  },
  FLOOD_MS + 60_000,
);
