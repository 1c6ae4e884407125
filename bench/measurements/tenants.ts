import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { type OwnService, startOwnService } from '../../src/benchmark/cli/own-service.js';
import { createKey } from '../../test/support/keys.js';
import { forkProgram } from '../support/fork.js';
import { type OwnDatabase, withDatabase } from '../support/servers.js';
import type { Measurement } from './measurement.js';

const FOR_MS = 60_000;
const WARM_UP_MS = 5_000;
const EVERY_MS = 100;
const LANES = 4;
/** Time after the attack for the account's requests to be finished and delivered. */
const SETTLE_MS = 60_000;

/** The service as one account sees it, in milliseconds; `failed` counts reports and callbacks. */
interface Experience {
  acceptP99: number;
  callbackDelayP50: number;
  callbackDelayP99: number;
  laneStartMax: number;
  failed: number;
}

/** One account's accept latency, lane start and callback delay, alone and while another account attacks. */
export function tenants(): Promise<Measurement[]> {
  return withDatabase(measure);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * Posts a request with a callback every `EVERY_MS`, each time into the next lane of this run. @returns Accept times.
 */
async function submit(service: OwnService, key: string, name: string, callbackUrl: string, forMs: number) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const times: number[] = [];
  const startMs = performance.now();
  for (let n = 0; performance.now() - startMs < forMs; n++) {
    const body = {
      report: 'digest',
      input_data: name,
      iterations: 1,
      lane: `${name}-${n % LANES}`,
      callback_url: callbackUrl,
    };
    const sentMs = performance.now();
    const answer = await request(`${service.url}/api/async`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode !== 202) throw new Error(`Not accepted: ${answer.statusCode} ${text}`);
    times.push(performance.now() - sentMs);
    await sleep(Math.max(0, startMs + n * EVERY_MS + EVERY_MS - performance.now()));
  }
  return times;
}

interface Row {
  start_ms: number | null;
  delay_ms: number | null;
  is_failed: boolean;
  is_settled: boolean;
}

/** Waits for the callbacks of a run and reads their times from the database. */
async function settled({ client }: OwnDatabase, name: string): Promise<Row[]> {
  const text = `SELECT extract(epoch FROM r.started_at - r.created_at)::float8 * 1000 AS start_ms,
      extract(epoch FROM l.attempted_at - r.completed_at)::float8 * 1000 AS delay_ms,
      r.status = 'FAILED' OR d.status = 'FAILED' AS is_failed,
      coalesce(d.status <> 'PENDING', false) AS is_settled
    FROM requests r
      LEFT JOIN callback_deliveries d ON d.request_id = r.id
      LEFT JOIN callback_logs l ON l.request_id = r.id AND l.attempt_number = 1
    WHERE r.input_payload->>'input_data' = $1`;
  const deadlineMs = performance.now() + SETTLE_MS;
  for (;;) {
    const { rows } = await client.query<Row>(text, [name]);
    if (rows.every((row) => row.is_settled) || performance.now() > deadlineMs) return rows;
    await sleep(200);
  }
}

async function experience(
  service: OwnService,
  database: OwnDatabase,
  run: { key: string; name: string; callbackUrl: string; forMs: number },
): Promise<Experience> {
  const acceptMs = await submit(service, run.key, run.name, run.callbackUrl, run.forMs);
  const rows = await settled(database, run.name);
  const delays = rows.map((row) => row.delay_ms ?? SETTLE_MS);
  return {
    acceptP99: percentile(acceptMs, 0.99),
    callbackDelayP50: percentile(delays, 0.5),
    callbackDelayP99: percentile(delays, 0.99),
    laneStartMax: Math.max(...rows.map((row) => row.start_ms ?? SETTLE_MS)),
    failed: rows.filter((row) => row.is_failed || !row.is_settled).length,
  };
}

/** The time of the longest report of the other account that ended, from its start to its end. */
async function longestReportMs({ client }: OwnDatabase, name: string): Promise<number> {
  const { rows } = await client.query<{ ms: number }>(
    `SELECT max(extract(epoch FROM completed_at - started_at))::float8 * 1000 AS ms FROM requests
      WHERE status = 'COMPLETED' AND account_id <> (SELECT account_id FROM requests WHERE input_payload->>'input_data' = $1 LIMIT 1)`,
    [name],
  );
  return rows[0]!.ms;
}

async function measure(database: OwnDatabase): Promise<Measurement[]> {
  const receivers = forkProgram('receivers.process');
  const [receiversUrl] = (await once(receivers, 'message')) as [string];
  const service = await startOwnService({
    DATABASE_URL: database.url,
    AUTH: 'required',
    RATE_LIMIT_BATCH: 'off',
    MAX_PENDING: '1000',
  });
  try {
    const keyOf = async (account: string): Promise<string> =>
      (await createKey({ databaseUrl: database.url }, ['reports:read', 'reports:write'], { account })).key;
    const [key, hostileKey] = [await keyOf('quiet'), await keyOf('hostile')];
    const run = { key, callbackUrl: `${receiversUrl}/good`, forMs: FOR_MS };
    await experience(service, database, { ...run, name: 'warm', forMs: WARM_UP_MS });
    const alone = await experience(service, database, { ...run, name: 'alone' });
    const hostile = forkProgram('hostile.process', [service.url, receiversUrl, hostileKey]);
    await sleep(WARM_UP_MS);
    const under = await experience(service, database, { ...run, name: 'under' });
    hostile.kill('SIGKILL');
    const slowMs = await longestReportMs(database, 'under');
    return [
      compared('Accepting for an account while another attacks in every way, p99', alone.acceptP99, under.acceptP99),
      compared('Its callback delay, median', alone.callbackDelayP50, under.callbackDelayP50),
      compared('Its callback delay, p99', alone.callbackDelayP99, under.callbackDelayP99),
      {
        title: 'Its longest wait for a lane to start, over the longest report of the other account',
        result: `${(under.laneStartMax / slowMs).toFixed(2)} (${ms(under.laneStartMax)} over ${ms(slowMs)})`,
        target: '≤ 2',
      },
      { title: 'Its failed or undelivered requests', result: String(under.failed), target: '0' },
    ];
  } finally {
    await service.stop();
    receivers.kill('SIGKILL');
  }
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

function compared(title: string, alone: number, under: number): Measurement {
  return { title, result: `${ms(under)} (alone ${ms(alone)})`, target: '≤ 2 × or + 50 ms' };
}
