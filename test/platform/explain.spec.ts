import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { NIL, v7 as uuidv7 } from 'uuid';
import { BalancesStore } from '../../src/books/journal/balances/balances.store.js';
import { BLOCK } from '../../src/books/journal/balances/blocks.js';
import { FoldsStore } from '../../src/books/journal/balances/folds.store.js';
import { EntriesRepository } from '../../src/books/journal/entries.repository.js';
import { JournalEntry } from '../../src/books/journal/journal-entry.entity.js';
import { JournalLine } from '../../src/books/journal/journal-line.entity.js';
import { JournalStore } from '../../src/books/journal/journal.store.js';
import { PeriodsStore } from '../../src/books/journal/periods/periods.store.js';
import { CallbackDelivery } from '../../src/callbacks/deliveries/callback-delivery.entity.js';
import { CallbackDeliveryRepository } from '../../src/callbacks/deliveries/callback-delivery.repository.js';
import { BreakerStore } from '../../src/callbacks/destinations/breaker.store.js';
import {
  CallbackDestination,
  CallbackDisabledUrl,
} from '../../src/callbacks/destinations/callback-destination.entity.js';
import { DestinationRepository } from '../../src/callbacks/destinations/destination.repository.js';
import { type DueDestination, DueDestinationsStore } from '../../src/callbacks/leases/due-destinations.store.js';
import { QueueLeasesStore } from '../../src/callbacks/leases/queue-leases.store.js';
import { nextNumber } from '../../src/callbacks/leases/due-delivery.js';
import { PostponementsStore } from '../../src/callbacks/leases/postponements.store.js';
import { RetryLeasesStore } from '../../src/callbacks/leases/retry-leases.store.js';
import { type RedeliverySelection, RedeliveryStore } from '../../src/callbacks/redelivery/redelivery.store.js';
import { ExpiredLeasesStore } from '../../src/callbacks/leases/expired-leases.store.js';
import { CallbackRedelivery } from '../../src/callbacks/redelivery/callback-redelivery.entity.js';
import { RedeliveryRepository } from '../../src/callbacks/redelivery/redelivery.repository.js';
import { dataSourceOptions } from '../../src/app/data-source.js';
import { Database, type Query, type Statement } from '../../src/platform/database/database.js';
import { positional } from '../../src/platform/database/named-parameters.js';
import { Worker } from '../../src/jobs/workers/worker.entity.js';
import { WorkerRepository } from '../../src/jobs/workers/worker.repository.js';
import { WorkerLeasesStore } from '../../src/jobs/workers/worker-leases.store.js';
import { JobsStore } from '../../src/jobs/lanes/jobs.store.js';
import { type LaneLease, LaneLeaseStore } from '../../src/jobs/lanes/lane-lease.store.js';
import { LaneRepository } from '../../src/jobs/lanes/lane.repository.js';
import { Lane } from '../../src/jobs/lanes/lane.entity.js';
import { LaneReaperStore } from '../../src/jobs/lanes/reaping/lane-reaper.store.js';
import { LanePositionsRepository } from '../../src/jobs/lanes/lane-positions.repository.js';
import { SyncStore } from '../../src/jobs/sync/sync.store.js';
import { BacklogStore } from '../../src/jobs/accept/backlog.store.js';
import { ActionRecord } from '../../src/requests/actions/action.entity.js';
import { ActionRepository } from '../../src/requests/actions/action.repository.js';
import { IdempotencyRecord } from '../../src/requests/idempotency/idempotency-key.entity.js';
import { IdempotencyRepository } from '../../src/requests/idempotency/idempotency.repository.js';
import { FinishedRequestsStore } from '../../src/requests/finished-requests.store.js';
import { StorageUsageStore } from '../../src/requests/storage-usage/storage-usage.store.js';
import { RemovalStore } from '../../src/requests/removal/removal.store.js';
import type { IdempotencyKey } from '../../src/http/idempotency-key.js';
import { AcceptStore } from '../../src/jobs/accept/accept.store.js';
import { RequestRecord } from '../../src/requests/request.entity.js';
import { RequestRepository } from '../../src/requests/request.repository.js';
import { transfer } from '../books/books-fixture.js';
import { createDatabase } from '../support/database.js';
import { batchOf, completionOf, newRequest, requestCallbacks } from '../support/stores.js';

/** The promise: no query grows with the number of finished requests. Checked by its plan over this many; in CI a million. */
const FINISHED = Number(process.env.EXPLAIN_FINISHED ?? 300_000);
const PENDING = 2_000;
/** Lanes with pending requests and no lease. */
const WAITING = 5_000;
/**
 * Pages of 8 KiB that one query may touch. A scan of the requests would touch tens of thousands; completing 64 requests
 * writes to each of their indexes.
 */
const MOST_BLOCKS = 2_500;
/** The limit for leasing a lane. Reading all waiting lanes would touch each of their pages, at least 150. */
const FEW_BLOCKS = 50;

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

/** Runs each statement under EXPLAIN first, with its own values, and rolls it back. */
class ExplainedDatabase extends Database {
  readonly plans: { name: string; plan: Plan }[] = [];

  constructor(
    private readonly explainer: pg.Client,
    dataSource: DataSource,
  ) {
    super(dataSource, { DATABASE_PREPARE: false });
  }

  override readonly query: Query = async (statement, values) => {
    await this.explain(statement, positional(statement, values));
    return this.plain(statement, positional(statement, values));
  };

  /** Uses the explaining connection, which would otherwise wait for the locks of the transaction. */
  override async transaction(work: (query: Query) => Promise<boolean>): Promise<boolean> {
    await this.explainer.query('BEGIN');
    const isToKeep = await work(async (statement, values) => {
      const ordered = positional(statement, values);
      await this.explain(statement, ordered, ['SAVEPOINT before', 'ROLLBACK TO before']);
      return this.plain(statement, ordered);
    });
    await this.explainer.query(isToKeep ? 'COMMIT' : 'ROLLBACK');
    return isToKeep;
  }

  private async plain<Row extends object>({ text }: Pick<Statement, 'text'>, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.explainer.query<Row & pg.QueryResultRow>(text, values);
    return rows;
  }

  async explain(
    { name, text }: Pick<Statement, 'name' | 'text'>,
    values: unknown[],
    [begin, end] = ['BEGIN', 'ROLLBACK'] as [string, string],
  ): Promise<void> {
    await this.explainer.query(begin);
    const { rows } = await this.explainer.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
    await this.explainer.query(end);
    this.plans.push({ name, plan: rows[0]['QUERY PLAN'][0].Plan });
  }
}

let dataSource: DataSource;
let explainer: pg.Client;
let database: ExplainedDatabase;

beforeAll(async () => {
  const { url } = await createDatabase();
  explainer = new pg.Client({ connectionString: url });
  await explainer.connect();
  await fill(explainer);
  dataSource = await new DataSource(dataSourceOptions(url)).initialize();
  database = new ExplainedDatabase(explainer, dataSource);
  const folds = new FoldsStore(new Database(dataSource, { DATABASE_PREPARE: false }));
  while (await folds.fold(BOOKS));
  await explainer.query('ANALYZE journal_totals, journal_block_totals, journal_day_totals, journal_folds');
  explainRepositories();
}, 240_000);

afterAll(async () => {
  await dataSource?.destroy();
  await explainer.end();
});

/** Repositories run their statements on query runners. */
function explainRepositories(): void {
  const createQueryRunner = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (mode) => {
    const runner = createQueryRunner(mode);
    const query = runner.query.bind(runner) as (text: string, ...more: unknown[]) => Promise<unknown>;
    return Object.assign(runner, {
      query: async (text: string, values: unknown[] = [], ...more: unknown[]) => {
        const isControl = /^(START TRANSACTION|COMMIT|ROLLBACK)/.test(text);
        if (!isControl) await database.explain({ name: text, text }, values);
        return query(text, values, ...more);
      },
    });
  };
}

/** Has a fourth of the finished requests and of the lanes. */
const BIG_ACCOUNT = 'aaaaaaaa-0000-4000-8000-000000000000';
/** Has a thousand requests, all of them old. */
const SMALL_ACCOUNT = 'bbbbbbbb-0000-4000-8000-000000000000';
const ACCOUNT = `(CASE WHEN n % 4 = 3 THEN '${BIG_ACCOUNT}' WHEN n % 100 = 1 AND n < 100000 THEN '${SMALL_ACCOUNT}' END)`;

/** Ids that sort by n, as UUIDv7 sorts by time. */
const ID = (n: string): string => `(lpad(to_hex(${n}), 8, '0') || '-0000-7000-8000-000000000000')::uuid`;

/** Inserts rows before their indexes and without foreign key checks, which takes two thirds of the time. */
async function fill(client: pg.Client): Promise<void> {
  await client.query('BEGIN');
  await client.query('SET LOCAL session_replication_role = replica');
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(`
    SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index JOIN pg_class c ON c.oid = indrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`);
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  await insertRows(client);
  for (const { definition } of indexes) await client.query(definition);
  await client.query('COMMIT');
  await client.query('VACUUM ANALYZE');
}

async function insertRows(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO requests (id, account_id, mode, status, report, format, lane, queue_position, input_payload,
      result_payload, callback_url, created_at, started_at, completed_at)
    SELECT ${ID('n')}, ${ACCOUNT}::uuid, CASE WHEN n % 10 = 0 THEN 'sync' ELSE 'async' END, CASE WHEN n % 500 = 1 THEN 'FAILED' ELSE 'COMPLETED' END,
      CASE WHEN n % 1000 = 3 THEN 'digest' ELSE 'transactions' END, 'csv',
      CASE WHEN n % 10 = 0 THEN NULL ELSE concat(${ACCOUNT} || '/', 'lane-', n % 7) END, CASE WHEN n % 10 = 0 THEN NULL ELSE n END, '{}', '{}', NULL,
      now(), now(), now() FROM generate_series(1, ${FINISHED}) n`);
  await client.query(`INSERT INTO requests (id, mode, status, report, format, lane, queue_position, input_payload, callback_url)
    SELECT ${ID(`${FINISHED} + n`)}, 'async', 'PENDING', 'transactions', 'csv', 'busy', n, '{}', 'http://a.test/'
    FROM generate_series(1, ${PENDING}) n`);
  await client.query(
    `INSERT INTO lanes (name, next_position, pending) SELECT 'lane-' || n, ${FINISHED} + 1, 0 FROM generate_series(0, 6) n`,
  );
  for (const account of [BIG_ACCOUNT, SMALL_ACCOUNT])
    await client.query(`INSERT INTO lanes (name) SELECT '${account}/lane-' || n FROM generate_series(0, 6) n`);
  await client.query(`INSERT INTO lanes (name) SELECT md5(n::text) || '/lane' FROM generate_series(1, 50000) n`);
  await client.query(`INSERT INTO lanes (name, next_position, pending) VALUES ('busy', ${PENDING} + 1, ${PENDING})`);
  // All have a lower priority than the busy one. Some were served before it, some are leased and some paused.
  await client.query(`INSERT INTO lanes (name, next_position, pending, priority, served_at, paused, lease_until)
    SELECT 'waiting-' || n, 2, 1, -1000 - n % 100, now() - n % 900 * interval '1 second', n % 1000 = 0,
      CASE WHEN n % 1000 = 1 THEN now() + interval '1 hour' END FROM generate_series(1, ${WAITING}) n`);
  await client.query(`INSERT INTO callback_deliveries (id, request_id, url, account_id, destination, lane, queue_position, status, attempts, finished_at)
    SELECT id, id, 'http://a.test/', coalesce(account_id, '${NIL}'), 'http://a.test:80', coalesce(lane, concat(account_id || '/', id)), coalesce(queue_position, 0),
      CASE WHEN status = 'FAILED' THEN 'FAILED' ELSE 'SUCCESS' END, 1, now() FROM requests WHERE status <> 'PENDING' AND queue_position % 5 = 1`);
  await client.query(`UPDATE callback_deliveries SET status = 'PENDING', attempts = (queue_position % 3)::integer, finished_at = NULL
    WHERE queue_position > ${FINISHED} - 5000`);
  await client.query(`INSERT INTO callback_logs (request_id, attempt_number, url, success, response_time_ms, attempted_at)
    SELECT request_id, 1, url, true, 1, now() FROM callback_deliveries`);
  await client.query(`INSERT INTO actions (id, at, account_id, actor_kind, action, target, outcome)
    SELECT ${ID('n')}, now() - (${FINISHED} - n) * interval '1 second', ${ACCOUNT}::uuid, 'key',
      CASE WHEN n % 1000 = 3 THEN 'key.create' ELSE 'request.cancel' END, 'target-' || n, 'succeeded'
    FROM generate_series(1, ${FINISHED}) n`);
  await client.query(`INSERT INTO idempotency_keys (caller, scope, key, fingerprint, request_id)
    SELECT 'open', 'POST /api/async', 'key-' || n, 'f', ${ID('n')} FROM generate_series(1, 100000) n`);
  await fillJournal(client);
}

/** Their entries are folded, but for the last hundred. */
const BOOKS = 'cccccccc-0000-7000-8000-000000000000';
const ENTRIES = 100 * BLOCK + 100;

/** Two lines an entry; every day has 512 entries, and every thousandth entry a ledger account that is rare. */
async function fillJournal(client: pg.Client): Promise<void> {
  await client.query(`INSERT INTO journal_counters (account_id, last_number) VALUES ('${BOOKS}', ${ENTRIES})`);
  await client.query(`INSERT INTO journal_entries (account_id, number, effective_at, recorded_at, kind)
    SELECT '${BOOKS}', n, timestamptz '2026-01-01' + n / 512 * interval '1 day' + n % 512 * interval '1 second', now(), 'order.paid'
    FROM generate_series(1, ${ENTRIES}) n`);
  await client.query(`INSERT INTO journal_lines (account_id, number, line, ledger_account, currency, amount_cents, customer_id)
    SELECT '${BOOKS}', n, l, CASE WHEN l = 1 THEN 'assets:cash' WHEN n % 1000 = 0 THEN 'income:rare' ELSE 'income:orders' END,
      'USD', 3 - 2 * l, ${ID('n % 1000')} FROM generate_series(1, ${ENTRIES}) n, generate_series(1, 2) l`);
}

/** Tables whose scan would grow with the number of finished requests. */
const GROWING = [
  'requests',
  'callback_deliveries',
  'callback_logs',
  'idempotency_keys',
  'actions',
  'journal_entries',
  'journal_lines',
];

function scans(plan: Plan): string[] {
  const own =
    plan['Node Type'] === 'Seq Scan' && GROWING.includes(plan['Relation Name'] ?? '') ? [plan['Relation Name']!] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scans)];
}

/** Accounts that one claim compares, and puts in order. */
const MOST_SORTED = 32;

const sorts = (plan: Plan): boolean =>
  (plan['Node Type'].includes('Sort') && plan['Actual Rows'] > MOST_SORTED) || (plan.Plans ?? []).some(sorts);

/** Runs operations of stores and checks the plan of each of their statements. */
async function expectCheap(act: () => Promise<unknown>, mostBlocks = MOST_BLOCKS): Promise<void> {
  database.plans.length = 0;
  await act();
  expect(database.plans.length).toBeGreaterThan(0);
  for (const { name, plan } of database.plans) {
    expect([name, scans(plan)]).toEqual([name, []]);
    const blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    expect([name, blocks < mostBlocks ? 'few blocks' : `${blocks} blocks`]).toEqual([name, 'few blocks']);
  }
}

const log = () => new RequestRepository(dataSource.getRepository(RequestRecord));
const keys = () => new IdempotencyRepository(dataSource.getRepository(IdempotencyRecord));

const CALLBACK = { callbackUrl: 'http://a.test/' };
const keyed = (key: string): IdempotencyKey => ({ caller: 'open', scope: 'POST /api/async', key, fingerprint: 'f' });

describe(`over ${FINISHED.toLocaleString('en')} finished requests`, () => {
  const someId = '0000ffff-0000-7000-8000-000000000000';

  it('accepting', () => {
    const batch = [
      newRequest('busy', CALLBACK),
      newRequest('busy', { ...CALLBACK, idempotency: keyed('key-5') }),
      newRequest('other', { ...CALLBACK, idempotency: keyed('new') }),
      newRequest(null, CALLBACK),
    ];
    return expectCheap(() => new AcceptStore(database).accept(batch, 1_000_000, 15_000));
  });

  it('leasing a lane, completing its requests, releasing it', () =>
    expectCheap(async () => {
      const [store, leases] = [new JobsStore(database), new LaneLeaseStore(database)];
      const lane = (await leases.lease(15_000)) as LaneLease;
      const jobs = await store.begin(lane, 64);
      expect(jobs).toHaveLength(64);
      await store.readAfter(lane, 64, 64);
      const completions = jobs.map((job) => completionOf(job, { destination: 'http://a.test:80' }));
      expect((await store.complete(lane, batchOf([], { completions }), 15_000))?.size).toBe(64);
      await leases.renew([lane], 15_000);
      await leases.release(lane, 0);
    }));

  it(`leasing the next of ${WAITING.toLocaleString('en')} waiting lanes`, async () => {
    const leases = new LaneLeaseStore(database);
    await expectCheap(async () => {
      for (let turn = 0; turn < 3; turn++) expect(await leases.lease(15_000)).not.toBeNull();
    }, FEW_BLOCKS);
    expect(database.plans.filter(({ plan }) => sorts(plan))).toEqual([]);
  });

  it('posting to the journal', () =>
    expectCheap(async () => {
      await database.transaction(async (query) => {
        await new JournalStore().post(query, BOOKS, [transfer(5), transfer(6, { reverses: 7 })]);
        return false;
      });
      await new PeriodsStore(database).list(BOOKS, undefined, 50);
    }, 300));

  it('balances, and the fold behind them', () =>
    expectCheap(async () => {
      const balances = new BalancesStore();
      const extent = await balances.extent(database.query, BOOKS);
      expect(extent).toEqual({ lastNumber: ENTRIES, blocks: 100 });
      expect(await balances.now(database.query, BOOKS, extent)).toHaveLength(3);
      for (const number of [1, 5 * BLOCK - 1, 50 * BLOCK + 7, ENTRIES]) {
        expect(await balances.through(database.query, BOOKS, extent, number)).not.toEqual([]);
      }
      for (const day of ['2026-01-01', '2026-03-01', '2026-07-10']) {
        expect(await balances.asOf(database.query, BOOKS, extent, new Date(`${day}T23:59:59Z`))).not.toEqual([]);
      }
      await balances.countNew(database.query, BOOKS, [{ ledgerAccount: 'assets:new', currency: 'USD' }]);
      const folds = new FoldsStore(database);
      expect(await folds.behind(20)).toEqual([]);
      expect(await folds.fold(BOOKS)).toBe(false);
      // The lines of a day of 512 entries, each a probe of about five pages.
    }, 4_000));

  it('listing journal entries', () =>
    expectCheap(async () => {
      const entries = new EntriesRepository(
        dataSource.getRepository(JournalEntry),
        dataSource.getRepository(JournalLine),
      );
      const from = new Date('2026-01-03T00:00:00Z');
      for (const ledgerAccount of [undefined, 'assets:cash', 'income:rare', 'assets:none']) {
        const filter = { account: BOOKS, ledgerAccount };
        await entries.list(filter, undefined, 51);
        await entries.list({ ...filter, throughEntry: 5_000 }, { number: 4_000 }, 51);
        await entries.list({ ...filter, from, to: new Date('2026-02-03T00:00:00Z') }, undefined, 51);
        await entries.list({ ...filter, from }, { number: 60_000, effectiveAt: new Date('2026-04-01T00:00:00Z') }, 51);
      }
      expect(await entries.linesOf(BOOKS, [1, 2, 3])).toHaveLength(6);
    }));

  it('recording, listing and deleting actions', () =>
    expectCheap(async () => {
      const actions = new ActionRepository(dataSource.getRepository(ActionRecord));
      for (const account of [null, BIG_ACCOUNT, SMALL_ACCOUNT]) {
        await actions.list({ account, limit: 50 });
        await actions.list({ account, action: 'key.create', limit: 50 });
        await actions.list({ account, target: 'target-7', limit: 50 });
        await actions.list({ account, since: new Date(), until: new Date(), limit: 50 });
      }
      expect(await actions.removeExpired(3_600_000 * 24 * 3_650, 1_000)).toBe(0);
      expect(await actions.removeExpired(3_600_000, 100)).toBe(100);
    }));

  it('leasing the next lane of a thousand accounts, one of which has paused most of its lanes', async () => {
    await explainer.query(`INSERT INTO lanes (name, next_position, pending)
      SELECT md5((n % 1000)::text)::uuid || '/waiting-' || n, 2, 1 FROM generate_series(1, 5000) n`);
    await explainer.query(`INSERT INTO lanes (name, next_position, pending, paused, served_at)
      SELECT '${BIG_ACCOUNT}/paused-' || n, 2, 1, true, now() - interval '1 day' FROM generate_series(1, 5000) n`);
    await explainer.query('ANALYZE lanes');
    const leases = new LaneLeaseStore(database);
    await expectCheap(async () => {
      for (let turn = 0; turn < 40; turn++) expect(await leases.lease(15_000)).not.toBeNull();
      expect(await leases.findWaiting()).not.toBeNull();
      // Each of the 32 accounts costs one probe, three to five pages.
    }, 300);
    expect(database.plans.filter(({ plan }) => sorts(plan))).toEqual([]);
    await explainer.query(`DELETE FROM lanes WHERE name LIKE '%/waiting-%' OR name LIKE '%/paused-%'`);
  });

  it('sweeping', () =>
    expectCheap(async () => {
      const leases = new WorkerLeasesStore(database);
      await leases.findOnThisHost();
      await leases.findAll();
      const reaper = new LaneReaperStore(database);
      const idle = await reaper.findIdle(-60_000, '', 500);
      expect(idle).toHaveLength(500);
      await reaper.findIdle(-60_000, idle.at(-1)!.name, 500);
      const unused = idle.flatMap(({ name, isUnused }) => (isUnused ? [name] : [])).slice(0, 100);
      await reaper.raiseFirstPositions(unused);
      await reaper.writers();
      expect(await reaper.reap(unused, -60_000)).toHaveLength(100);
      await leases.expire(['none']);
      await leases.clearCrashReports();
      await leases.drain();
      const sync = new SyncStore(database);
      await sync.adopt(4, 15_000);
      await sync.release({ id: someId, leaseEpoch: 0 }, 0);
      await sync.renew([someId], 15_000);
      await keys().removeExpired(86_400, 1_000);
      await new WorkerRepository(dataSource.getRepository(Worker)).findAlive();
      await new BacklogStore(database).countByAccount();
      const storage = new StorageUsageStore(database);
      await storage.read([null, BIG_ACCOUNT, SMALL_ACCOUNT]);
      await storage.fold();
    }));

  it.each(['ordered', 'strict', 'unordered'] as const)('sending callbacks: %s', (CALLBACK_ORDER) =>
    expectCheap(async () => {
      const finished = new FinishedRequestsStore(database);
      const due = {
        destinations: new DueDestinationsStore(database, { CALLBACK_ORDER }),
        queues: new QueueLeasesStore(database, finished, { CALLBACK_ORDER }),
        retries: new RetryLeasesStore(database, finished),
      };
      const breakers = new BreakerStore(database);
      const [target] = (await due.destinations.list()) as [DueDestination];
      const streams = await due.queues.lease(target, '', 8, 15_000);
      const lanes = streams.map(({ lane }) => lane);
      expect((await due.queues.read(target, lanes, 0, 64)).length).toBeGreaterThan(0);
      expect(await due.queues.start(streams[0]!, [streams[0]!.head], 15_000)).toBe(true);
      const retries = await due.retries.lease(target, 8, 15_000);
      expect(retries.length).toBeGreaterThan(0);
      const ids = retries.map(({ id }) => id);
      await due.retries.renew(ids, 15_000);
      await due.retries.release(ids);
      const [retry] = retries;
      const postponed = {
        deliveryId: retry!.id,
        attemptNumber: nextNumber(retry!),
        reason: 'No nameserver',
        retryAtMs: 0,
      };
      await new PostponementsStore(database).postpone([postponed]);
      await due.queues.renew(
        streams.map(({ id }) => id),
        15_000,
      );
      const senders = new ExpiredLeasesStore(database);
      await senders.workersOnThisHost();
      await senders.expire(['no such worker']);
      await senders.reapExpired();
      await due.queues.release(streams.map(({ id }) => id));
      await database.query({
        name: '',
        text: `INSERT INTO callback_destinations (destination, state, opened_at)
        VALUES ('http://a.test:80', 'open', '-infinity') ON CONFLICT DO NOTHING`,
      });
      expect(await breakers.forgetIdle(-60_000, 500)).toBe(0);
      const destinations = new DestinationRepository(
        dataSource.getRepository(CallbackDestination),
        dataSource.getRepository(CallbackDisabledUrl),
      );
      const { accountId, destination } = target;
      await destinations.disable([{ url: 'http://a.test/gone', requestId: someId, accountId, destination }]);
      for (const account of [null, BIG_ACCOUNT]) {
        await destinations.list(account, { accountId: NIL, destination: '' }, 50);
        await destinations.enable(account, 'http://a.test/gone');
      }
      const store = new CallbackDeliveryRepository(dataSource.getRepository(CallbackDelivery));
      for (const account of [null, BIG_ACCOUNT, SMALL_ACCOUNT]) {
        await store.list({ account, status: 'FAILED', limit: 50 });
        await store.list({ account, limit: 50 });
        await store.list({ account, since: new Date(), limit: 50 });
      }
      for (const to of ['http://a.test:80', 'http://nowhere.test:80']) {
        await store.list({ account: null, destination: to, limit: 50 });
        await store.list({ account: null, destination: to, status: 'FAILED', limit: 50 });
        await store.list({ account: null, destination: to, status: 'SUCCESS', since: new Date(), limit: 50 });
      }
    }),
  );

  const selections: Partial<RedeliverySelection>[] = [
    { status: 'FAILED' },
    { status: 'FAILED', destination: 'http://a.test:80' },
    { status: 'FAILED', destination: 'http://nowhere.test:80' },
    { status: 'SUCCESS', destination: 'http://a.test:80' },
    { status: 'SUCCESS', since: new Date() },
    { destination: 'http://nowhere.test:80' },
    { since: new Date() },
  ];
  it.each(selections)('sending %j again', async (selection) => {
    const rate = { limit: 1_000_000, windowMs: 60_000 };
    const store = new RedeliveryStore(database, { CALLBACK_REDELIVERY_RATE: rate, SWEEP_INTERVAL: 2_000 });
    const id = uuidv7();
    const until = new Date(Date.now() + 60_000);
    // What matches is counted, and putting back 200 writes to each of their indexes.
    await expectCheap(() => store.count({ account: null, ...selection, until }, 1_000), 8_000);
    const jobs = new RedeliveryRepository(dataSource.getRepository(CallbackRedelivery));
    const { status: callbackStatus = null, destination: to = null, since = null } = selection;
    await expectCheap(async () => {
      await jobs.add({ id, accountId: null, callbackStatus, destination: to, since, until, matched: 0 }, 20);
      await jobs.countRunning(null);
      await jobs.find(id);
      await jobs.list(null, undefined, 50);
      await store.advance();
      await store.forgetPaces();
      await jobs.cancel(id);
    }, 12_000);
  });

  const filters = [
    {},
    { beforeId: someId },
    { status: 'PENDING' as const },
    { status: 'FAILED' as const },
    { status: 'CANCELLED' as const },
    { mode: 'sync' as const },
    { mode: 'async' as const },
    { report: 'digest' },
    { report: 'nothing' },
    { lane: 'lane-3' },
    { lane: 'nowhere' },
    { lane: 'lane-3', status: 'COMPLETED' as const, beforeId: someId },
  ];
  it.each(filters)('listing %j', (filter) => expectCheap(() => log().list({ ...filter, account: null, limit: 51 })));

  it.each(filters)('listing %j of an account', (filter) =>
    expectCheap(async () => {
      for (const account of [BIG_ACCOUNT, SMALL_ACCOUNT]) {
        const lane = filter.lane && `${account}/${filter.lane}`;
        await log().list({ ...filter, account, lane, limit: 51 });
      }
    }),
  );

  it('looking at one, and at lanes', () =>
    expectCheap(async () => {
      await log().find(someId);
      const callbacks = requestCallbacks(dataSource);
      const page = await log().list({ account: null, limit: 200 });
      await callbacks.states(page.map(({ id }) => id));
      await callbacks.newestAttempts(someId, 200);
      await callbacks.countAttempts(someId);
      await new LanePositionsRepository(dataSource.getRepository(Lane)).jobsAhead('busy', 100);
      expect((await new FinishedRequestsStore(database).find([someId])).size).toBe(1);
      const lanes = new LaneRepository(dataSource.getRepository(Lane));
      await lanes.list('', 100);
      expect(await lanes.listOfAccount(SMALL_ACCOUNT, `${SMALL_ACCOUNT}/`, 100)).toHaveLength(7);
      await keys().find(keyed('key-7'));
    }));

  it('deleting', () =>
    // Deleting 500 requests writes to each of their indexes.
    expectCheap(async () => {
      const callbacks = requestCallbacks(dataSource);
      const store = new RemovalStore(database, callbacks);
      const removeFiles = () => Promise.resolve();
      expect(await store.findFinished(SMALL_ACCOUNT, NIL, 50)).toHaveLength(50);
      const found = await store.findFinished(null, NIL, 50);
      // Callbacks that were sent again above are due.
      const due = await callbacks.findDue(found, database.query);
      expect(due.size).toBeLessThan(found.length);
      expect(await store.remove(found, removeFiles)).toBe(found.length - due.size);
      const all = -3_600_000;
      const expired = await store.removeExpired(all, someId, 500, removeFiles);
      expect(expired?.nextAfterId).toBeTruthy();
      expect(expired?.removed.length).toBeGreaterThan(450);
      expect((await store.removeExpired(Date.now(), NIL, 500, removeFiles))?.removed).toEqual([]);
    }, 8_000));
});
