import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { Database, type Query, type Statement } from '../../src/platform/database/database.js';
import { JobsStore } from '../../src/jobs/lanes/jobs.store.js';
import { LaneLeaseStore } from '../../src/jobs/lanes/lane-lease.store.js';
import { LaneClock } from '../../src/jobs/lanes/lane-clock.js';
import { type Chances, IDLE, type State, type Step, completionUnder, spend, stepsOf } from './lane-model.js';
import { DATABASE_SETTINGS } from '../support/database.js';
import { LEASE_MS, type Stores, openStores } from '../support/stores.js';
import { REQUEST_TABLES } from '../support/tables.js';

/**
 * A lane runs in order and each request once, in every interleaving of two workers, and wherever one crashes, stalls or
 * loses an answer. The test visits every reachable state of a lane with three requests and takes every step from it,
 * with the real SQL in the real Postgres.
 */

interface RequestRow {
  status: string;
  started_at: string | null;
  completed_at: string | null;
  /** See `completionUnder`. */
  result_payload: { epoch: number; deliveryId: string } | null;
}

interface Rows {
  lanes: { lease_epoch: number; leased_by: string | null; lease_until: string | null; pending: number }[];
  requests: RequestRow[];
  callback_deliveries: { id: string; queue_position: number }[];
}

/** The contents of the database, and the parts that the model uses. */
interface Seen {
  rows: Rows;
  lane: Rows['lanes'][number];
  /** Whether the lease keeps other workers out. */
  isLeased: boolean;
}

const TABLES = ['lanes', 'requests', 'callback_deliveries'] as const;
const LOOK = `SELECT clock_timestamp() AS now, ${TABLES.map(
  (table) => `(SELECT coalesce(json_agg(t ORDER BY t::text), '[]') FROM ${table} t) AS ${table}`,
).join(', ')}`;
const REQUESTS = 3;
/** Restores the rows; created for this test. */
const RESTORE = `CREATE FUNCTION restore(${TABLES.map((table) => `${table}_then json`).join(', ')}) RETURNS void
  LANGUAGE plpgsql AS $$ BEGIN
    ${TABLES.toReversed()
      .map((table) => `DELETE FROM ${table};`)
      .join(' ')}
    ${TABLES.map((table) => `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, ${table}_then);`).join('\n')}
  END $$`;

/** A database that can change statements before it runs them, to check that the test notices. */
class ChangedDatabase extends Database {
  change: <Name extends string>(statement: Statement<Name>) => Statement<Name> = (statement) => statement;

  constructor(private readonly real: Stores) {
    super(real.dataSource, DATABASE_SETTINGS);
  }

  override readonly query: Query = (statement, values) => this.real.database.query(this.change(statement), values);

  override transaction(work: (query: Query) => Promise<boolean>): Promise<boolean> {
    return this.real.database.transaction((query) =>
      work((statement, values) => query(this.change(statement), values)),
    );
  }
}

let stores: Stores;
let database: ChangedDatabase;
let jobs: JobsStore;
let leases: LaneLeaseStore;

beforeAll(async () => {
  stores = await openStores();
  database = new ChangedDatabase(stores);
  jobs = new JobsStore(database);
  leases = new LaneLeaseStore(database);
  await stores.sql(RESTORE);
});

const accept = (count: number): Promise<unknown> => stores.accept('x', count, { callbackUrl: 'http://a.test/done' });

async function look(): Promise<Seen> {
  const [{ now, ...rows }] = (await stores.sql<Rows & { now: Date }>(LOOK)) as [Rows & { now: Date }];
  const lane = rows.lanes[0]!;
  return { rows, lane, isLeased: lane.lease_until !== null && Date.parse(lane.lease_until) > now.getTime() };
}

/** Restores the contents of the database. */
async function restore({ rows }: Seen): Promise<void> {
  const values = TABLES.map((table) => JSON.stringify(rows[table]));
  await stores.sql('SELECT restore($1, $2, $3)', values);
}

async function cancelSecond(): Promise<void> {
  const [row] = await stores.sql<{ id: string }>('SELECT id FROM requests WHERE queue_position = 2');
  await jobs.cancel(row!.id, uuidv7(), 'http://a.test:80');
}

/** The possible next steps. */
function stepsFrom(state: State, { isLeased }: Seen): Step[] {
  const happens = (name: string, chance: keyof Chances, act: () => Promise<unknown>): Step => ({
    name,
    writesUnder: null,
    take: async () => {
      await act();
      return { ...state, chances: spend(state.chances, chance) };
    },
  });
  const { accept: mayAccept, cancel, expiry } = state.chances;
  return [
    ...stepsOf({ leases, jobs }, state, 0),
    ...stepsOf({ leases, jobs }, state, 1),
    ...(expiry && isLeased ? [happens('the lease ends', 'expiry', () => stores.endLease('x'))] : []),
    ...(mayAccept ? [happens('a third is accepted', 'accept', () => accept(1))] : []),
    ...(cancel ? [happens('the second is cancelled', 'cancel', cancelSecond)] : []),
  ];
}

const isFinished = ({ status }: RequestRow): boolean => status === 'COMPLETED' || status === 'CANCELLED';
const timeOf = (time: string | null): number => Date.parse(time!);

/** Yields the invariants that a state violates. */
function* faultsIn({ rows, lane, isLeased }: Seen): Generator<string> {
  const inOrder = rows.requests;
  const made = inOrder.filter(({ status }) => status === 'COMPLETED');
  const unfinished = inOrder.filter((request) => !isFinished(request));
  const processing = inOrder.filter(({ status }) => status === 'PROCESSING');
  if (lane.pending !== unfinished.length)
    yield `${lane.pending} requests are counted, ${unfinished.length} are unfinished`;
  if (processing.length > 1) yield 'two requests are in progress';
  if (processing.some((request) => request !== unfinished[0])) yield 'a request is in progress that is not the first';
  if (unfinished.some((request) => inOrder.indexOf(request) < inOrder.indexOf(made.at(-1)!)))
    yield 'a request was completed before an earlier one';
  for (const [index, { started_at, result_payload }] of made.slice(1).entries()) {
    const before = made[index]!;
    if (timeOf(started_at) < timeOf(before.completed_at)) yield 'a request was begun while another ran';
    if (result_payload!.epoch < before.result_payload!.epoch)
      yield 'a former worker completed a request after its successor';
  }
  yield* faultsInDeliveries(rows);
  if (isLeased && !lane.leased_by) yield 'a lane is leased to no worker';
}

function* faultsInDeliveries({ requests, callback_deliveries }: Rows): Generator<string> {
  for (const [index, request] of requests.entries()) {
    const deliveries = callback_deliveries.filter(({ queue_position }) => queue_position === index + 1);
    if (deliveries.length !== Number(isFinished(request)))
      yield `a ${request.status} request has ${deliveries.length} deliveries`;
    if (request.status === 'COMPLETED' && deliveries[0]?.id !== request.result_payload!.deliveryId)
      yield 'a delivery does not belong to its result';
  }
}

/** Everything but the throughput, an estimate that changes when a commit is repeated. */
const text = ({ rows }: Seen): string => JSON.stringify(rows).replaceAll(/"throughput_per_s":[^,]*,/g, '');

/** Yields the rules that a step violates. */
function* faultsOf({ writesUnder }: Step, before: Seen, after: Seen): Generator<string> {
  const { lease_epoch: epoch, leased_by: worker } = before.lane;
  if (writesUnder && (writesUnder.epoch !== epoch || worker === null) && text(before) !== text(after))
    yield 'a worker without the lease changed something';
  if (after.lane.lease_epoch !== epoch && (before.isLeased || after.lane.lease_epoch !== epoch + 1))
    yield 'a leased lane was leased, or under an epoch that was not the next';
  const isRewritten = (request: RequestRow, index: number): boolean =>
    isFinished(request) && JSON.stringify(request) !== JSON.stringify(after.rows.requests[index]);
  if (before.rows.requests.some(isRewritten)) yield 'a finished request was written again';
}

/** In any state, a new worker completes all requests once the lease has expired. */
async function finishAll(): Promise<Seen> {
  await stores.endLease('x');
  const lane = await leases.lease(LEASE_MS);
  if (lane) {
    const clock = new LaneClock(lane.startedAt);
    const found = await jobs.begin(lane, 9);
    const completions = found.map((job) => completionUnder(lane, job, clock.now(), clock.now()));
    await jobs.complete(lane, { completions, begun: null, release: true, busyS: 1 }, LEASE_MS);
  }
  return look();
}

/** Identifies a state. It ignores times and the order of the workers. */
function keyOf({ workers, chances }: State, { rows, lane, isLeased }: Seen): string {
  const known = workers.map(({ lane: held, former, doing, lastRead, inHand, ahead, generated, unanswered }) => {
    const ids = [ahead, generated, unanswered?.completions].map((list) => list?.map(({ id }) => id));
    return JSON.stringify([held?.epoch, former?.epoch, doing, lastRead, inHand?.job.id, ids, unanswered?.release]);
  });
  const requests = rows.requests.map(({ status, started_at, result_payload }) => [
    status,
    !started_at,
    result_payload?.epoch,
  ]);
  const { lease_epoch, leased_by, pending } = lane;
  return JSON.stringify([known.sort(), chances, lease_epoch, leased_by, isLeased, pending, requests]);
}

interface Explored {
  states: number;
  /** Steps taken, from all states. */
  steps: number;
  /** Different sequences of steps, from the start to the end. */
  interleavings: number;
}

/** Visits every reachable state. @throws Error with the violated rule and the steps that led to it. */
async function explore(chances: Chances): Promise<Explored> {
  const interleavings = new Map<string, number>();
  let steps = 0;
  const expectNone = (faults: Iterable<string>, way: string[]): void => {
    for (const fault of faults) throw new Error(`${fault}: ${way.join(', ')}`);
  };

  const visit = async (state: State, seen: Seen, way: string[]): Promise<number> => {
    const key = keyOf(state, seen);
    const known = interleavings.get(key);
    if (known !== undefined) return known;
    interleavings.set(key, Number.NaN); // NaN reveals a cycle, which would never end.
    const recovered = await finishAll();
    expectNone(faultsIn(recovered), [...way, 'another takes over']);
    expectNone(recovered.lane.pending > 0 ? ['not all can be finished'] : [], [...way, 'another takes over']);
    let count = 0;
    for (const step of stepsFrom(state, seen)) {
      await restore(seen);
      const next = await step.take();
      const after = await look();
      const wayOn = [...way, step.name];
      steps++;
      expectNone(faultsIn(after), wayOn);
      expectNone(faultsOf(step, seen, after), wayOn);
      // A step that changes nothing leads to no other state.
      if (keyOf(next, after) !== key) count += await visit(next, after, wayOn);
    }
    interleavings.set(key, count || 1);
    return count || 1;
  };

  await stores.sql(`TRUNCATE lanes, ${REQUEST_TABLES} CASCADE`);
  await accept(REQUESTS - chances.accept);
  const all = await visit({ workers: [IDLE, IDLE], chances }, await look(), []);
  return { states: interleavings.size, steps, interleavings: all };
}

const NONE: Chances = { accept: 0, cancel: 0, crash: 0, expiry: 0, lostAnswer: 0, failure: 0, stop: 0, lateRenewal: 0 };

describe('two workers and three requests of a lane', () => {
  // About 12,000 steps on the database in total; their interleavings are counted, not walked one by one.
  it.each([
    ['a worker crashes and a lease expires', { crash: 1, expiry: 1 }, 2_000_000],
    ['the answer to a commit is lost and a lease expires', { lostAnswer: 1, expiry: 1 }, 2_000_000],
    ['a renewal comes late and a lease expires', { lateRenewal: 1, expiry: 1 }, 2_000_000],
    ['one is cancelled, one is accepted', { cancel: 1, accept: 1 }, 2_000],
    ['a time slice ends, one is accepted', { stop: 1, accept: 1 }, 1_000],
    ['generating is not possible for a while, one is accepted', { failure: 1, accept: 1 }, 1_000],
  ])(
    'keep every promise in every order: %s',
    async (_, chances, fewest) => {
      const { interleavings } = await explore({ ...NONE, ...chances });
      expect(interleavings).toBeGreaterThan(fewest);
    },
    180_000,
  );
});

describe('the test notices', () => {
  const UNFINISHED = /\(r\.completed_at IS NULL OR .*?\)/;
  const FENCED = /lease_epoch = (\$\d)/;
  const UNFENCED = '$1::bigint > 0';
  const TAKEN = /a leased lane was leased/;
  const NOT_HELD = /a worker without the lease changed something|a leased lane was leased, or under an epoch/;
  afterEach(() => {
    database.change = (statement) => statement;
  });

  it.each([
    ['a leased lane is leased', 'lane_lease', /\(lease_until IS NULL OR .*?\)\)/g, 'true', {}, TAKEN],
    [
      'a lane is leased under its old epoch',
      'lane_lease',
      'l.lease_epoch + 1',
      'l.lease_epoch',
      { expiry: 1 },
      NOT_HELD,
    ],
    ['a former worker begins', 'lane_begin', FENCED, UNFENCED, { expiry: 1 }, NOT_HELD],
    ['a former worker completes', 'lane_count', FENCED, UNFENCED, { expiry: 1 }, NOT_HELD],
    ['a former worker releases', 'lane_release', FENCED, UNFENCED, { expiry: 1, failure: 1 }, NOT_HELD],
    [
      'a former worker renews',
      'lane_renew',
      'l.lease_epoch = t.epoch',
      'true',
      { expiry: 1, lateRenewal: 1 },
      NOT_HELD,
    ],
    [
      'a released lane is renewed',
      'lane_renew',
      'l.leased_by IS NOT NULL',
      'true',
      { lateRenewal: 1 },
      /leased to no worker/,
    ],
    ['a finished request is finished again', 'lane_finish', UNFINISHED, 'true', { lostAnswer: 1 }, /duplicate key/],
    ['a completion is not counted', 'lane_count', /pending - (\$\d)/, 'pending - 0 * $1', {}, /are counted/],
    [
      'requests are begun in any order',
      'lane_begin',
      'r.queue_position LIMIT',
      'r.queue_position DESC LIMIT',
      {},
      /in progress that is not/,
    ],
  ] as [string, string, string | RegExp, string, Partial<Chances>, RegExp][])(
    'when %s',
    async (_, statement, right, wrong, chances, fault) => {
      const changed = new Set<string>();
      database.change = (original) => {
        const { name, text: sql } = original;
        if (!name.startsWith(statement)) return original;
        if (sql !== sql.replace(right, wrong)) changed.add(name);
        return { ...original, name: '', text: sql.replace(right, wrong) };
      };
      const noticed = await explore({ ...NONE, ...chances }).then(() => 'nothing', String);
      expect(changed.size).toBeGreaterThan(0); // Else the statement reads otherwise by now.
      expect(noticed).toMatch(fault);
    },
    180_000,
  );
});
