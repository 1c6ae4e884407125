/**
 * Fifty writers change the books of two accounts over two API processes, which are killed in turn, and `daybook books
 * verify` runs meanwhile. The writers and the rules for the books are those of the chaos test.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { checkBooks, confirmed } from '../chaos/books/book-checker.js';
import { readBooks, readSummaries, verifyBooks } from '../chaos/books/book-database.js';
import type { BookHistory, Write, WriteKind } from '../chaos/books/book-history.js';
import { type Account, BookWriters } from '../chaos/books/book-writers.js';
import { DATABASE_ENVIRONMENT, createDatabase } from '../support/database.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { createKey } from '../support/keys.js';
import { redisUrl } from '../support/redis.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';

const SECONDS = Number(process.env.BOOKS_STRESS_SECONDS ?? 20);
const SEED = Number(process.env.BOOKS_STRESS_SEED ?? 1);
const WRITERS = 50;
const LEAST_KILLS = 4;
/** Answered changes between two kills, so that each process does some work before its kill. */
const BETWEEN_KILLS = 500;
/** The run continues until each kind has this number of successes, even on a slow machine. */
const LEAST: Partial<Record<WriteKind, number>> = {
  customer: 200,
  order: 400,
  pay: 400,
  ship: 100,
  cancel: 200,
  archive: 50,
  change: 50,
  adjust: 200,
  reverse: 200,
  close: 10,
};
const TIMEOUT_MS = 10 * 60_000 + 3_000 * SECONDS;

/** API processes on one database; each also sweeps, so that blocks of entries are folded while others are written. */
class Fleet {
  readonly outputs: (() => string)[] = [];
  private readonly processes: Daybook[] = [];

  constructor(private readonly env: Record<string, string>) {}

  get urls(): string[] {
    return this.processes.map(({ url }) => url);
  }

  async add(): Promise<Daybook> {
    const daybook = await startDaybook({ env: this.env });
    this.outputs.push(() => daybook.output());
    this.processes.push(daybook);
    return daybook;
  }

  /** Kills the oldest process in the middle of its work, and starts another one. */
  async replaceOldest(): Promise<void> {
    const [oldest] = this.processes as [Daybook];
    oldest.kill('SIGKILL');
    await oldest.exited;
    // Removed only now, so that some requests reach the killed process. It is removed before the next one starts,
    // because half of the requests would fail during that time.
    this.processes.shift();
    await this.add();
  }
}

async function newAccounts(daybook: Daybook): Promise<Account[]> {
  const names = ['large', 'small'];
  const keys = await Promise.all(
    names.map((account) => createKey(daybook, ['books:read', 'books:write'], { account })),
  );
  const rows = await sql<{ id: string; name: string }>(daybook, 'SELECT id, name FROM accounts');
  const accountOf = (index: number): Account => {
    return { id: rows.find(({ name }) => name === names[index])!.id, headers: keys[index]!.headers };
  };
  const [large, small] = [accountOf(0), accountOf(1)];
  // Four of five writers share the counter of one account.
  return [large, large, large, large, small];
}

const answered = (writes: Write[]): number => writes.filter(({ statuses }) => statuses.some(Boolean)).length;

/** Returns the kinds with too few successes. */
const lacking = (writes: Write[]): string[] =>
  Object.entries(LEAST)
    .filter(([kind, least]) => confirmed(writes, kind as WriteKind).length < least)
    .map(([kind]) => kind);

/** Kills processes until the time is over and enough has happened. @returns How often it killed one. */
async function killMeanwhile(fleet: Fleet, { writes }: BookWriters): Promise<number> {
  const endsAtMs = performance.now() + 1_000 * SECONDS;
  let kills = 0;
  let killAt = BETWEEN_KILLS;
  while (performance.now() < endsAtMs || kills < LEAST_KILLS || lacking(writes).length > 0) {
    await sleep(100);
    if (answered(writes) < killAt) continue;
    await fleet.replaceOldest();
    kills++;
    killAt = answered(writes) + BETWEEN_KILLS;
  }
  return kills;
}

/** A line for each kind: asked, succeeded. */
function figures({ writes, orders, entries, periods }: BookHistory): string {
  const kinds = Object.keys(LEAST) as WriteKind[];
  const counts = kinds.map(
    (kind) => `${kind} ${confirmed(writes, kind).length}/${writes.filter((write) => write.kind === kind).length}`,
  );
  const unanswered = writes.flatMap(({ statuses }) => statuses).filter((status) => status === null).length;
  const totals = `${orders.length} orders, ${entries.length} entries, ${periods.length} closed months`;
  return `${totals}, ${unanswered} tries without an answer; succeeded/asked: ${counts.join(', ')}`;
}

describe('50 writers with cancellations, reversals and closes, and kill -9', () => {
  it(
    'leave balanced books without gaps in their numbers that agree with every response',
    async () => {
      const [database, redis] = await Promise.all([createDatabase(), redisUrl()]);
      const fleet = new Fleet({
        ...UNLIMITED,
        REPORT_THREADS: '1',
        AUTH: 'required',
        DATABASE_URL: database.url,
        REDIS_URL: redis,
      });
      const daybook = await fleet.add();
      await fleet.add();
      const accounts = await newAccounts(daybook);

      const writers = new BookWriters({ seed: SEED, writers: WRITERS, accounts, apis: () => fleet.urls, pauseMs: 0 });
      const verifiedMeanwhile = verifyBooks(database.url, DATABASE_ENVIRONMENT);
      const kills = await killMeanwhile(fleet, writers);
      await writers.stop();

      const history: BookHistory = {
        writes: writers.writes,
        ...(await readBooks(database.url)),
        summaries: await readSummaries(fleet.urls[0]!, [accounts[0]!, accounts.at(-1)!]),
        verification: await verifyBooks(database.url, DATABASE_ENVIRONMENT),
      };
      console.log(`${kills} kills; ${figures(history)}`);
      expect(checkBooks(history)).toEqual([]);
      expect(history.verification).toMatchObject({ exitCode: 0, output: expect.stringContaining('nothing differs') });
      expect(await verifiedMeanwhile).toMatchObject({ exitCode: 0 });
      expect(lacking(history.writes)).toEqual([]);
      // The service retries after deadlocks, so responses do not show them.
      const text = 'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()';
      expect(await sql(daybook, text)).toEqual([{ deadlocks: 0 }]);
      for (const output of fleet.outputs) expect(output()).not.toMatch(/40P01|deadlock|DBK0[234]/i);
      await database.drop();
    },
    TIMEOUT_MS,
  );
});
