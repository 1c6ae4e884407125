import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BOOK_RULES, checkBooks, confirmed } from './books/book-checker.js';
import { readBooks, readSummaries, verifyBooks } from './books/book-database.js';
import type { BookHistory } from './books/book-history.js';
import { type Account, BookWriters } from './books/book-writers.js';
import { RULES, check, type Violation } from './checker.js';
import { Clients } from './clients.js';
import { readDatabase, unfinished } from './database.js';
import { downloadAll } from './downloads.js';
import { describe, inject } from './faults.js';
import { Fleet } from './fleet.js';
import type { Arrival, History } from './history.js';
import { Receiver } from './receiver.js';
import { type PlannedFault, schedule, targetOf } from './schedule.js';

const USAGE = 'npm run test:chaos -- [--minutes 2] [--seed 1] [--storage disk|s3] [--outputFile results.json]';
/** Checked besides the rules of the contract. */
const NO_EXIT_RULE = 'no process ends unless it is killed';
/** Time to finish all work after the last fault. The checker reports the rest as unfinished. */
const SETTLE_MS = 180_000;
const SHOWN_VIOLATIONS = 20;
const MINUTE_MS = 60_000;
const BOOK_WRITERS = 4;
const BOOK_PAUSE_MS = 200;
/** The account id of an installation without API keys. */
const OPEN_BOOKS: Account = { id: '00000000-0000-0000-0000-000000000000', headers: {} };

/** The histories of a run. */
interface Histories {
  history: History;
  books: BookHistory;
}

/** Injects faults while clients submit and write books. Returns the histories after all work has finished. */
async function run(fleet: Fleet, planned: PlannedFault[], seed: number, durationMs: number): Promise<Histories> {
  const arrivals: Arrival[] = [];
  const receivers = [new Receiver(seed, arrivals), new Receiver(seed + 1, arrivals)];
  const urls = await Promise.all(receivers.map((receiver) => receiver.listen()));
  const clients = new Clients(seed, fleet.apiUrls, urls);
  const writers = new BookWriters({
    seed,
    writers: BOOK_WRITERS,
    accounts: [OPEN_BOOKS],
    apis: () => fleet.apiUrls,
    pauseMs: BOOK_PAUSE_MS,
  });
  const startedAtMs = performance.now();
  const until = (atMs: number) => sleep(Math.max(0, startedAtMs + atMs - performance.now()));
  const underWay = new Map<string, Promise<void>>();
  for (const fault of planned) {
    const target = targetOf(fault);
    // On a slow machine the target may still be restarting after its last fault.
    const isUp = underWay.get(target) ?? Promise.resolve();
    const injected = Promise.all([isUp, until(fault.atMs)]).then(async () => {
      say(`${((performance.now() - startedAtMs) / 1_000).toFixed(1).padStart(6)} s  ${describe(fault)}`);
      await inject(fault, fleet);
    });
    underWay.set(target, injected);
  }
  await Promise.all([until(durationMs), ...underWay.values()]);
  await Promise.all([clients.stop(), writers.stop()]);
  await settle(fleet);
  const database = await readDatabase(fleet.databaseUrl);
  const downloads = await downloadAll(fleet.apiUrls[0]!, database.requests);
  for (const receiver of receivers) receiver.close();
  const history = { ...clients.log, arrivals, downloads, ...database };
  return { history, books: await bookHistory(fleet, writers) };
}

async function bookHistory(fleet: Fleet, { writes }: BookWriters): Promise<BookHistory> {
  return {
    writes,
    ...(await readBooks(fleet.databaseUrl)),
    summaries: await readSummaries(fleet.apiUrls[0]!, [OPEN_BOOKS]),
    verification: await verifyBooks(fleet.databaseUrl),
  };
}

async function settle(fleet: Fleet): Promise<void> {
  const giveUpAtMs = performance.now() + SETTLE_MS;
  let isDone = false;
  while (!isDone && performance.now() < giveUpAtMs) {
    await sleep(500);
    const { requests, deliveries } = await unfinished(fleet.databaseUrl);
    isDone = requests + deliveries === 0;
  }
}

function summary({ submissions, cancellations, arrivals, requests, deliveries }: History): string {
  const tries = submissions.flatMap((submission) => submission.tries);
  const answered = new Set<string>();
  const again = arrivals.filter(({ requestId, answered: status }) => {
    const isAgain = answered.has(requestId);
    if (status === 200) answered.add(requestId);
    return isAgain;
  });
  const count = (status: string, rows: { status: string }[]) => rows.filter((row) => row.status === status).length;
  return [
    `${submissions.length} submissions, ${tries.length} tries, ${tries.filter(({ status }) => status !== 202).length} of them not answered 202`,
    `${requests.length} requests, ${count('COMPLETED', requests)} completed, ${count('CANCELLED', requests)} cancelled of ${cancellations.length} asked`,
    `${deliveries.length} deliveries, ${count('FAILED', deliveries)} dead; ${arrivals.length} arrivals`,
    `${again.length} repeated arrivals after a 200: the sender was killed, or lost its lease, before it recorded the attempt`,
  ].join('\n');
}

function bookSummary({ writes, orders, entries, periods, verification }: BookHistory): string {
  const tries = writes.flatMap(({ statuses }) => statuses);
  const unclear = tries.filter((status) => status === null || status === 503);
  const [paid, cancelled, adjusted, reversed] = (['pay', 'cancel', 'adjust', 'reverse'] as const).map(
    (kind) => confirmed(writes, kind).length,
  );
  return [
    `${writes.length} changes of books, ${tries.length} tries, ${unclear.length} of them without a clear answer`,
    `${orders.length} orders, ${paid} answered as paid, ${cancelled} as cancelled; ${adjusted} adjustments, ${reversed} reversed; ${periods.length} months closed`,
    `${entries.length} journal entries; books verify: ${verification.output.split('\n').at(-1)}`,
  ].join('\n');
}

function verdict(violations: Violation[]): string {
  if (violations.length === 0) return 'Every promise was kept.';
  const shown = violations.slice(0, SHOWN_VIOLATIONS).map(({ rule, what }) => `BROKEN: ${rule}\n  ${what}`);
  return [...shown, `${violations.length} violations`].join('\n');
}

/** Counts rules like Jest counts tests; see test/support/tally.js. */
function counts(violations: Violation[]): string {
  const broken = new Set(violations.map(({ rule }) => rule)).size;
  return JSON.stringify({
    numPassedTests: Object.keys({ ...RULES, ...BOOK_RULES }).length + 1 - broken,
    numFailedTests: broken,
  });
}

function say(line: string): void {
  console.log(line);
}

async function main(): Promise<boolean> {
  const options = {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    storage: { type: 'string' },
    outputFile: { type: 'string' },
  } as const;
  const { values } = parseArgs({ options });
  const seed = Number(values.seed ?? randomInt(1_000_000));
  const durationMs = Number(values.minutes) * MINUTE_MS;
  const storage = values.storage ?? (seed % 2 === 0 ? 'disk' : 's3');
  if (!Number.isInteger(seed) || !(durationMs > 0) || (storage !== 'disk' && storage !== 's3'))
    throw new Error(`Usage: ${USAGE}`);
  const repeat = `--minutes ${values.minutes} --seed ${seed} --storage ${storage}`;
  say(`Seed ${seed}; to repeat it: npm run test:chaos -- ${repeat}`);

  const folder = await mkdtemp(join(tmpdir(), 'daybook-chaos-'));
  await chmod(folder, 0o755); // Postgres cannot run as root and runs as another user, which needs access.
  const fleet = new Fleet(folder, storage);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => void fleet.stop().finally(() => process.exit(130)));
  }
  let isKept = false;
  try {
    await fleet.start();
    const impossible = new Set<string>();
    if (!fleet.disk.canBeFull) impossible.add('store-full');
    if (storage === 'disk') impossible.add('store-away');
    const planned = schedule(seed, durationMs).filter(({ kind }) => !impossible.has(kind));
    if (!fleet.disk.canBeFull) say('Skipped: storage full, because root cannot mount a disk here');
    const { history, books } = await run(fleet, planned, seed, durationMs);
    await writeFile(join(folder, 'history.json'), JSON.stringify({ ...history, books }));
    const failures = [...fleet.services.values()].flatMap((service) => service.failures);
    const exits = failures.map((what) => ({ rule: NO_EXIT_RULE, what }));
    const violations = [...check(history), ...checkBooks(books), ...exits];
    say(`${planned.length} faults`);
    say(summary(history));
    say(bookSummary(books));
    say(verdict(violations));
    if (values.outputFile) await writeFile(values.outputFile, counts(violations));
    isKept = violations.length === 0;
    return isKept;
  } finally {
    await fleet.stop();
    if (isKept) await rm(folder, { recursive: true, force: true });
    else say(`Logs and history are in ${folder}`);
  }
}

process.exit((await main()) ? 0 : 1);
