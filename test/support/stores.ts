import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CallbackDelivery } from '../../src/callbacks/deliveries/callback-delivery.entity.js';
import { RequestCallbacksRepository } from '../../src/callbacks/deliveries/request-callbacks.repository.js';
import { CallbackLog } from '../../src/callbacks/deliveries/callback-log.entity.js';
import { type AttemptRecord, CallbackLogRepository } from '../../src/callbacks/deliveries/callback-log.repository.js';
import { CallbackDeliveryRepository } from '../../src/callbacks/deliveries/callback-delivery.repository.js';
import type { DueDelivery } from '../../src/callbacks/leases/due-delivery.js';
import { DueDestinationsStore } from '../../src/callbacks/leases/due-destinations.store.js';
import { QueueLeasesStore } from '../../src/callbacks/leases/queue-leases.store.js';
import { RetryLeasesStore } from '../../src/callbacks/leases/retry-leases.store.js';
import type { Config } from '../../src/platform/config/config.js';
import { dataSourceOptions } from '../../src/app/data-source.js';
import { Database, type Query } from '../../src/platform/database/database.js';
import { AcceptStore, type NewRequest } from '../../src/jobs/accept/accept.store.js';
import { WorkerLeasesStore } from '../../src/jobs/workers/worker-leases.store.js';
import type { Completion, Job } from '../../src/jobs/job.js';
import { type CompletedBatch, JobsStore } from '../../src/jobs/lanes/jobs.store.js';
import { type LaneLease, LaneLeaseStore } from '../../src/jobs/lanes/lane-lease.store.js';
import { Lane } from '../../src/jobs/lanes/lane.entity.js';
import { LanePositionsRepository } from '../../src/jobs/lanes/lane-positions.repository.js';
import { SyncStore } from '../../src/jobs/sync/sync.store.js';
import { FinishedRequestsStore } from '../../src/requests/finished-requests.store.js';
import type { LanePositions } from '../../src/requests/lane-positions.js';
import { StorageUsageStore } from '../../src/requests/storage-usage/storage-usage.store.js';
import { RemovalStore } from '../../src/requests/removal/removal.store.js';
import { RequestRecord } from '../../src/requests/request.entity.js';
import type { RequestCallbacks } from '../../src/requests/request-callbacks.js';
import { RequestSearch } from '../../src/requests/search/request-search.js';
import { RequestSearchRepository } from '../../src/requests/search/request-search.repository.js';
import { RequestRepository } from '../../src/requests/request.repository.js';
import { DATABASE_SETTINGS, createDatabase } from './database.js';
import { eventually } from './eventually.js';

/** No lease expires during a test. */
export const LEASE_MS = 600_000;
const MAX_PENDING = 1_000_000;

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

/** Creates a database and a pool. {@link Stores.open} opens further pools. */
export async function openStores(): Promise<Stores> {
  const { url, drop } = await createDatabase();
  await setPatience(url);
  const stores = await Stores.open(url);
  closers.push(drop);
  return stores;
}

/** A failed test that leaves a transaction open must not block the following tests. */
async function setPatience(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const name = new URL(url).pathname.slice(1);
  await client.query(`ALTER DATABASE ${name} SET idle_in_transaction_session_timeout = '5s'`);
  await client.end();
}

export function requestCallbacks(dataSource: DataSource): RequestCallbacksRepository {
  return new RequestCallbacksRepository(
    dataSource.getRepository(CallbackDelivery),
    dataSource.getRepository(CallbackLog),
  );
}

/** The stores of due callbacks for one order. */
export interface DueStores {
  destinations: DueDestinationsStore;
  queues: QueueLeasesStore;
  retries: RetryLeasesStore;
}

/** The stores of one process on the real database, and helpers of tests. */
export class Stores {
  readonly accepting: AcceptStore;
  readonly requests: RequestRepository;
  readonly search: RequestSearch;
  readonly finished: FinishedRequestsStore;
  readonly callbacks: RequestCallbacks;
  readonly positions: LanePositions;
  readonly removal: RemovalStore;
  readonly storage: StorageUsageStore;
  readonly leases: LaneLeaseStore;
  readonly jobs: JobsStore;
  readonly sync: SyncStore;
  readonly workerLeases: WorkerLeasesStore;

  private constructor(
    readonly url: string,
    readonly dataSource: DataSource,
    readonly database: Database,
  ) {
    this.accepting = new AcceptStore(database);
    this.requests = new RequestRepository(dataSource.getRepository(RequestRecord));
    this.search = new RequestSearch(new RequestSearchRepository(dataSource.getRepository(RequestRecord)));
    this.finished = new FinishedRequestsStore(database);
    this.callbacks = requestCallbacks(dataSource);
    this.positions = new LanePositionsRepository(dataSource.getRepository(Lane));
    this.removal = new RemovalStore(database, this.callbacks);
    this.storage = new StorageUsageStore(database);
    this.leases = new LaneLeaseStore(database);
    this.jobs = new JobsStore(database);
    this.sync = new SyncStore(database);
    this.workerLeases = new WorkerLeasesStore(database);
  }

  static async open(url: string): Promise<Stores> {
    const dataSource = await new DataSource(dataSourceOptions(url)).initialize();
    closers.unshift(() => dataSource.destroy());
    return new Stores(url, dataSource, new Database(dataSource, DATABASE_SETTINGS));
  }

  deliveries(): CallbackDeliveryRepository {
    return new CallbackDeliveryRepository(this.dataSource.getRepository(CallbackDelivery));
  }

  logs(): CallbackLogRepository {
    return new CallbackLogRepository(this.dataSource.getRepository(CallbackLog), this.database);
  }

  due(CALLBACK_ORDER: Config['CALLBACK_ORDER'] = 'ordered'): DueStores {
    const config = { CALLBACK_ORDER };
    return {
      destinations: new DueDestinationsStore(this.database, config),
      queues: new QueueLeasesStore(this.database, this.finished, config),
      retries: new RetryLeasesStore(this.database, this.finished),
    };
  }

  sql<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    // A named statement is planned once, although tests repeat it often.
    const name = createHash('sha1').update(text).digest('hex');
    return this.database.query<Row>({ name, text }, values);
  }

  /** Accepts requests into a lane. Returns their ids in order. */
  async accept(lane: string | null, count: number, more: Partial<NewRequest> = {}): Promise<string[]> {
    const requests = Array.from({ length: count }, () => newRequest(lane, more));
    await this.accepting.accept(requests, MAX_PENDING, LEASE_MS);
    return requests.map(({ id }) => id);
  }

  /** Leases the next lane. @throws if there is none. */
  async lease(): Promise<LaneLease> {
    const lane = await this.leases.lease(LEASE_MS);
    if (!lane) throw new Error('There is no lane to lease');
    return lane;
  }

  /** Expires the lease of a lane. */
  async endLease(lane: string): Promise<void> {
    await this.sql(`UPDATE lanes SET lease_until = clock_timestamp() - interval '1 second' WHERE name = $1`, [lane]);
  }

  /** Returns the statuses of a lane's requests in order, such as `PENDING`. */
  async statuses(lane: string): Promise<string[]> {
    const text = 'SELECT status FROM requests WHERE lane = $1 ORDER BY queue_position';
    return (await this.sql<{ status: string }>(text, [lane])).map(({ status }) => status);
  }

  /** Returns the lane's counter of unfinished requests. */
  async pending(lane: string): Promise<number> {
    const [row] = await this.sql<{ pending: number }>('SELECT pending FROM lanes WHERE name = $1', [lane]);
    return row!.pending;
  }

  /** Returns all rows that the order depends on, to check whether anything changed. */
  async snapshot(): Promise<object[]> {
    const tables = ['lanes', 'requests', 'callback_deliveries', 'callback_logs'];
    return Promise.all(tables.map((table) => this.sql(`SELECT * FROM ${table} AS t ORDER BY t::text`)));
  }

  /**
   * Runs `act` while another transaction locks rows that it needs, and checks that `act` has not locked the rows
   * `free`, which come later in the lock order. Rows are given as `lanes WHERE name = 'x'`.
   */
  async whileLocked(held: string, act: () => Promise<unknown>, free: string): Promise<void> {
    let acting: Promise<unknown> = Promise.resolve();
    await this.database.transaction(async (query) => {
      await query({ name: '', text: `SELECT FROM ${held} FOR UPDATE` });
      acting = act();
      await this.untilBlocked(1);
      await query({ name: '', text: `SELECT FROM ${free} FOR UPDATE NOWAIT` });
      return true;
    });
    await acting;
  }

  /** Resolves when `count` statements wait for a lock. */
  async untilBlocked(count: number): Promise<void> {
    const text = `SELECT count(*) AS count FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await eventually(async () => (await this.sql<{ count: number }>(text))[0]!.count === count, { everyMs: 5 });
  }
}

export function newRequest(lane: string | null, more: Partial<NewRequest> = {}): NewRequest {
  return {
    id: uuidv7(),
    account: null,
    mode: lane === null ? 'sync' : 'async',
    lane,
    report: 'transactions',
    format: 'csv',
    params: {},
    callbackUrl: null,
    estimatedBytes: 0,
    idempotency: null,
    ...more,
  };
}

export function completionOf({ id, callbackUrl }: Job, more: Partial<Completion> = {}): Completion {
  const deliveryId = uuidv7();
  return {
    id,
    result: '{"ok":true}',
    // The service names the file of each attempt differently too.
    fileKey: `${id}-${deliveryId}.csv`,
    fileBytes: 5,
    error: null,
    startedAt: new Date(),
    completedAt: new Date(),
    deliveryId,
    destination: callbackUrl && new URL(callbackUrl).origin,
    ...more,
  };
}

/** A batch of completed jobs. By default no job follows and the lane stays leased. */
export function batchOf(jobs: Job[], more: Partial<CompletedBatch> = {}): CompletedBatch {
  return { completions: jobs.map((job) => completionOf(job)), begun: null, release: false, busyS: 1, ...more };
}

/** An attempt of a delivery and its outcome. */
export function attemptAt(delivery: DueDelivery, more: Partial<AttemptRecord> = {}): AttemptRecord {
  const trace = {
    dialledAddress: null,
    requestHeaders: {},
    bodyBytes: 1,
    bodySha256: '',
    status: 200,
    responseHeaders: {},
    responseBody: '',
    dnsMs: null,
    connectMs: null,
    tlsMs: null,
    firstByteMs: 1,
    totalMs: 1,
  };
  return {
    deliveryId: delivery.id,
    requestId: delivery.requestId,
    url: delivery.url,
    attemptNumber: delivery.attempts + delivery.unknown + 1,
    trigger: 'first',
    attemptedAt: new Date(),
    outcome: { trace, errorKind: null, errorMessage: null, notAttempted: null },
    status: 'SUCCESS',
    reason: null,
    retryAtMs: null,
    ...more,
  };
}

/** A database whose transactions stop before a chosen statement until the gate is opened. */
export class GatedDatabase extends Database {
  private open = (_isToGoOn: boolean): void => undefined;
  private reach = (): void => undefined;
  private readonly opened = new Promise<boolean>((resolve) => (this.open = resolve));
  /** Resolves when a transaction has reached the gate. */
  readonly reached = new Promise<void>((resolve) => (this.reach = resolve));

  /** @param gate The number of statements before the gate. */
  constructor(
    dataSource: DataSource,
    private readonly gate: number,
  ) {
    super(dataSource, DATABASE_SETTINGS);
  }

  letOn(): void {
    this.open(true);
  }

  /** Simulates a crash at the gate: the transaction is rolled back. */
  kill(): void {
    this.open(false);
  }

  override transaction(work: (query: Query) => Promise<boolean>): Promise<boolean> {
    return super.transaction(async (query) => {
      let count = 0;
      let isDead = false;
      const passGate = async (): Promise<void> => {
        if (count++ !== this.gate) return;
        this.reach();
        isDead = !(await this.opened);
      };
      const isToKeep = await work(async (statement, values) => {
        await passGate();
        return isDead ? [] : query(statement, values);
      });
      await passGate();
      return isToKeep && !isDead;
    });
  }
}
