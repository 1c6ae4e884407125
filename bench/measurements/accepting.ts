import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { type OwnService, startOwnService } from '../../src/benchmark/cli/own-service.js';
import type { Measurement } from './measurement.js';
import { type OwnDatabase, startHello, withDatabase, withRedis } from '../support/servers.js';
import { type Shot, type Throughput, median, throughput } from '../support/throughput.js';

const ROUNDS = 9;
const ROUND_MS = 1_000;
const WARM_UP_MS = 2_000;
const FINISHED = 1_000_000;
const PENDING = 100_000;

const LANE = 'accepting';
const BODY = { input_data: 'x', iterations: 1, callback_url: null };
const HELLO: Shot = { path: '/hello', body: BODY };
const BARE: Shot = { path: '/api/async', body: { ...BODY, lane: LANE } };
/** The demo receiver: the service's cheapest route with a body. */
const IDLE: Shot = { path: '/api/callbacks/receive', body: BODY };
const KEYED: Shot = { ...BARE, headers: () => ({ 'idempotency-key': randomUUID() }) };

/** An enforced limit that is never reached, in a process that only accepts. */
const SETTINGS = { ROLE: 'api', RATE_LIMIT_ASYNC: '100000000/60s' };

interface Peer {
  url: string;
  shot: Shot;
}

/** Alternates between two services, so that changes of the machine affect both. */
async function inTurns(one: Peer, other: Peer): Promise<{ perS: number; ratio: number; p99Ratio: number }> {
  const rounds: [Throughput, Throughput][] = [];
  for (const { url, shot } of [one, other]) await throughput(url, shot, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push([await throughput(one.url, one.shot, ROUND_MS), await throughput(other.url, other.shot, ROUND_MS)]);
  }
  return {
    perS: Math.round(median(rounds.map(([{ perS }]) => perS))),
    ratio: median(rounds.map(([mine, peer]) => mine.perS / peer.perS)),
    p99Ratio: median(rounds.map(([mine, peer]) => mine.p99 / peer.p99)),
  };
}

/** Accept rate through the whole edge, compared with a bare Nest app and with the service's cheapest route. */
export function accepting(): Promise<Measurement[]> {
  return withRedis(measureAccepting);
}

async function measureAccepting(redisUrl: string): Promise<Measurement[]> {
  const hello = await startHello();
  const ownHello = await startHello('own-server');
  const service = await startOwnService({ ...SETTINGS, REDIS_URL: redisUrl, DEMO_RECEIVER: 'on' });
  try {
    const peer = { url: hello.url, shot: HELLO };
    const bare = await inTurns({ url: service.url, shot: BARE }, peer);
    const keyed = await inTurns({ url: service.url, shot: KEYED }, peer);
    const ofService = await inTurns({ url: service.url, shot: BARE }, { url: service.url, shot: IDLE });
    const ofOwn = await inTurns({ url: service.url, shot: BARE }, { url: ownHello.url, shot: HELLO });
    const title = 'Accepting async requests (32 connections, whole edge)';
    return [
      { title: `${title} over a bare Nest POST`, result: rateOf(bare), target: '≥ 0.6' },
      { title: `${title}, p99 over that of the bare POST`, result: bare.p99Ratio.toFixed(2), target: '≤ 2' },
      { title: `${title} with an idempotency key over a bare Nest POST`, result: rateOf(keyed), target: '≥ 0.6' },
      { title: `${title} over a POST to the same service that stores nothing`, result: rateOf(ofService) },
      { title: `${title}, p99 over that of the POST that stores nothing`, result: ofService.p99Ratio.toFixed(2) },
      { title: `${title} over a bare Nest POST on the service's own Express adapter`, result: rateOf(ofOwn) },
    ];
  } finally {
    await service.stop();
    await hello.stop();
    await ownHello.stop();
  }
}

/** Accept rate with a large database, compared with an empty one. */
export function acceptingUnderBacklog(): Promise<Measurement[]> {
  return withRedis((redisUrl) => withDatabase((database) => measureUnderBacklog(redisUrl, database)));
}

async function measureUnderBacklog(redisUrl: string, { url, client }: OwnDatabase): Promise<Measurement[]> {
  const services: OwnService[] = [];
  try {
    const empty = await startOwnService({ ...SETTINGS, REDIS_URL: redisUrl });
    services.push(empty);
    const full = await startOwnService({ ...SETTINGS, REDIS_URL: redisUrl, DATABASE_URL: url });
    services.push(full);
    await fill(client);
    const measured = await inTurns({ url: full.url, shot: BARE }, { url: empty.url, shot: BARE });
    const title =
      'Accepting with 1,000,000 finished and 100,000 pending requests, over accepting into an empty database';
    return [{ title, result: rateOf(measured), target: '≥ 0.9' }];
  } finally {
    for (const service of services) await service.stop();
  }
}

/** The pending requests are in the lane that is measured. */
async function fill(client: Client): Promise<void> {
  const rows = (status: string, lane: string, count: number): string =>
    `INSERT INTO requests (id, mode, status, report, format, lane, queue_position, jobs_ahead_at_accept, input_payload,
        started_at, completed_at)
      SELECT gen_random_uuid(), 'async', '${status}', 'digest', 'json', ${lane}, n, 0, '{"input_data":"x","iterations":1}',
        ${status === 'COMPLETED' ? 'now(), now()' : 'NULL, NULL'}
      FROM generate_series(1, ${count}) n`;
  await client.query(rows('COMPLETED', `'lane-' || n % 1000`, FINISHED));
  await client.query(rows('PENDING', `'${LANE}'`, PENDING));
  await client.query('INSERT INTO lanes (name, next_position, pending) VALUES ($1, $2, $3)', [
    LANE,
    PENDING + 1,
    PENDING,
  ]);
  await client.query('VACUUM ANALYZE requests');
  // Otherwise the rows just written are flushed during the measurement.
  await client.query('CHECKPOINT');
}

function rateOf({ ratio, perS }: { ratio: number; perS: number }): string {
  return `${ratio.toFixed(2)} (${perS}/s)`;
}
