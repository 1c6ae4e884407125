import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';
import { BenchError } from '../../src/benchmark/cli/cli-error.js';
import { type OwnService, startOwnService } from '../../src/benchmark/cli/own-service.js';
import { forkProgram } from '../support/fork.js';
import { cpuMsOf, residentMib } from '../support/servers.js';
import { steadyLoad } from '../support/steady-load.js';
import { median } from '../support/throughput.js';
import type { Measurement } from './measurement.js';

const LISTENERS = 20;
/** Half of the listeners see a page, the others a larger one. */
const VIEWS = ['/api/live', '/api/live?limit=200'];
/** Each request is accepted, started and completed: 1,000 state changes a second. */
const REQUESTS_PER_S = 334;
const ROUNDS = 5;
const ROUND_MS = 4_000;
const WARM_UP_MS = 4_000;
const LANES = 20;

interface Round {
  p99: number;
  /** Of one core, over the round. */
  cpu: number;
}

/** Latency of accepting while requests are accepted and completed at a steady rate, with and without listeners of their state. */
export async function live(): Promise<Measurement[]> {
  const service = await startOwnService({});
  const pool = new Pool(service.url, { connections: 64 });
  try {
    await load(service, pool, WARM_UP_MS);
    const without: Round[] = [];
    const withListeners: Round[] = [];
    const memory: number[] = [];
    const beforeMib = residentMib(service.pid);
    for (let round = 0; round < ROUNDS; round++) {
      without.push(await load(service, pool, ROUND_MS));
      withListeners.push(await withStreams(service.url, () => load(service, pool, ROUND_MS)));
      memory.push(residentMib(service.pid));
    }
    return figures(without, withListeners, memory[0]! - beforeMib, memory.at(-1)! - memory[0]!);
  } finally {
    await pool.destroy();
    await service.stop();
  }
}

function figures(without: Round[], withListeners: Round[], firstMib: number, laterMib: number): Measurement[] {
  const of = (rounds: Round[], figure: keyof Round) => median(rounds.map((round) => round[figure]));
  const ratio = median(withListeners.map(({ p99 }, round) => p99 / without[round]!.p99));
  const title = `Accepting at ${REQUESTS_PER_S}/s, about 1,000 state changes a second`;
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const percent = (value: number): string => `${Math.round(100 * value)}%`;
  return [
    { title: `${title}, p99 without listeners of the live state`, result: ms(of(without, 'p99')) },
    { title: `${title}, p99 with ${LISTENERS} listeners`, result: ms(of(withListeners, 'p99')) },
    { title: `${title}, p99 with ${LISTENERS} listeners over that without`, result: ratio.toFixed(2), target: '< 1.2' },
    {
      title: `CPU of the service at this rate, without and with ${LISTENERS} listeners, of one core`,
      result: `${percent(of(without, 'cpu'))}, ${percent(of(withListeners, 'cpu'))}`,
    },
    {
      title: `Memory that ${LISTENERS} listeners add in the first round, and that the next ${ROUNDS - 1} rounds add`,
      result: `${firstMib}, ${laterMib} MiB`,
    },
  ];
}

/** Runs `work` while listeners read the live state in a process of their own. */
async function withStreams(url: string, work: () => Promise<Round>): Promise<Round> {
  const count = String(LISTENERS / VIEWS.length);
  const listeners = VIEWS.map((path) => forkProgram('listeners.process', [url, path, count]));
  try {
    await Promise.all(listeners.map(opened));
    return await work();
  } finally {
    for (const child of listeners) child.kill('SIGKILL');
  }
}

async function opened(child: ChildProcess): Promise<void> {
  const failed = once(child, 'exit').then(() => Promise.reject(new BenchError('The listeners ended')));
  failed.catch(() => undefined);
  await Promise.race([once(child, 'message'), failed]);
}

async function load({ pid }: OwnService, pool: Pool, forMs: number): Promise<Round> {
  const cpuMs = cpuMsOf(pid);
  const startMs = performance.now();
  const p99 = await steadyLoad(pool, REQUESTS_PER_S, forMs, (n) => {
    return { input_data: 'x', iterations: 1, callback_url: null, lane: `live-${n % LANES}` };
  });
  return { p99, cpu: (cpuMsOf(pid) - cpuMs) / (performance.now() - startMs) };
}
