import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

/**
 * Attacks a service with one account's key until it is killed, in every way that could affect another account: bad and
 * dripping receivers, names without a nameserver, paused lanes, slow lanes, large files, pings, redeliveries and new
 * lane names. Refusals are expected; each attack continues after them. Arguments: the service's URL, the receivers' URL,
 * the API key.
 */
const [url, receivers, key] = process.argv.slice(2) as [string, string, string];
const pool = new Pool(url, { connections: 32 });
const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
/** The pause after a refusal, and between two rounds of an attack. */
const PAUSE_MS = 250;

/** @returns The status; 0 if there was no answer. */
async function post(path: string, body?: object): Promise<number> {
  try {
    const answer = await pool.request({ path, method: 'POST', headers, body: JSON.stringify(body ?? {}) });
    await answer.body.dump();
    return answer.statusCode;
  } catch {
    return 0;
  }
}

interface Ask {
  lane: string;
  callback_url?: string | null;
  iterations?: number;
}

function digest({ iterations = 1, callback_url = null, lane }: Ask): object {
  return { report: 'digest', input_data: 'x', iterations, callback_url, lane };
}

const batch = (count: number, item: (index: number) => object): Promise<number> =>
  post('/api/batch', { requests: Array.from({ length: count }, (_, index) => item(index)) });

async function repeat(attack: (round: number) => Promise<unknown>, pauseMs = PAUSE_MS): Promise<never> {
  for (let round = 0; ; round++) {
    await attack(round);
    await sleep(pauseMs);
  }
}

/** Fills a paused lane; each round takes another one. */
async function fillPausedLane(round: number): Promise<void> {
  const lane = `paused-${round}`;
  await post(`/api/lanes/${lane}/pause`);
  await batch(1_000, () => digest({ lane }));
}

const attacks = [
  repeat(() => batch(1_000, (n) => digest({ lane: `bad-${n % 8}`, callback_url: `${receivers}/bad` })), 5_000),
  repeat(() => batch(300, (n) => digest({ lane: `drip-${n % 60}`, callback_url: `${receivers}/drip/${n}` })), 10_000),
  repeat(
    (r) => batch(40, (n) => digest({ lane: `dns-${n}`, callback_url: `https://n${n}.r${r}.example.com/` })),
    5_000,
  ),
  repeat(fillPausedLane),
  repeat(() => batch(120, (n) => digest({ lane: `slow-${n}`, iterations: 1_000_000 })), 5_000),
  repeat((r) => batch(1_000, (n) => digest({ lane: `name-${r}-${n}` })), 2_000),
  repeat(() => batch(100, () => ({ num_transactions: 1_000_000, callback_url: null, lane: 'large' })), 2_000),
  repeat(() => post('/api/callbacks/redeliver', { destination: receivers }), 1_000),
  ...Array.from({ length: 16 }, () => repeat(() => post('/api/callbacks/test', { url: `${receivers}/drip` }))),
];
process.on('disconnect', () => process.exit());
await Promise.all(attacks);
