import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { startOwnService } from '../../src/benchmark/cli/own-service.js';
import { temporaryFolder } from '../../src/benchmark/cli/temporary-folder.js';
import type { Measurement } from './measurement.js';
import { residentMib } from '../support/servers.js';

const REQUESTS = 100_000;
const BATCH = 1_000;
const SETTLE_MS = 2_000;

/** Start time, and memory of the idle process and after 100,000 requests. */
export async function footprint(): Promise<Measurement[]> {
  const home = await temporaryFolder();
  const settings = { DATA_DIR: join(home.path, 'data') };
  try {
    const coldS = await startedAndStopped(settings);
    const startMs = performance.now();
    const service = await startOwnService(settings);
    const warmS = (performance.now() - startMs) / 1_000;
    await sleep(SETTLE_MS);
    const idleMib = residentMib(service.pid);
    await work(service.url);
    await sleep(SETTLE_MS);
    const workedMib = residentMib(service.pid);
    await service.stop();
    return [
      { title: 'First start, with a new embedded Postgres, until ready', result: `${coldS.toFixed(1)} s` },
      { title: 'Start with a warm data folder, until ready', result: `${warmS.toFixed(1)} s`, target: '≤ 3 s' },
      { title: 'Memory of the idle process (without Postgres)', result: `${idleMib} MiB`, target: '≤ 160 MB' },
      { title: 'Memory after 100,000 requests', result: `${workedMib} MiB` },
    ];
  } finally {
    await home.remove();
  }
}

async function startedAndStopped(settings: Record<string, string>): Promise<number> {
  const startMs = performance.now();
  const service = await startOwnService(settings);
  const seconds = (performance.now() - startMs) / 1_000;
  await service.stop();
  return seconds;
}

async function work(url: string): Promise<void> {
  const requests = Array.from({ length: BATCH }, () => ({ input_data: 'x', iterations: 1, callback_url: null }));
  for (let sent = 0; sent < REQUESTS; sent += BATCH) {
    const headers = { 'content-type': 'application/json' };
    const answer = await request(`${url}/api/batch`, { method: 'POST', headers, body: JSON.stringify({ requests }) });
    await answer.body.dump();
    if (answer.statusCode !== 202) throw new Error(`POST /api/batch: ${answer.statusCode}`);
  }
  while ((await queueDepth(url)) > 0) await sleep(200);
}

async function queueDepth(url: string): Promise<number> {
  const { body } = await request(`${url}/healthz`);
  return ((await body.json()) as { queue_depth: number }).queue_depth;
}
