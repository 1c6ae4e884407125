import { v7 as uuidv7 } from 'uuid';
import type { Completion, Job } from '../../src/jobs/job.js';
import type { CompletedBatch, JobsStore } from '../../src/jobs/lanes/jobs.store.js';
import type { LaneLease, LaneLeaseStore } from '../../src/jobs/lanes/lane-lease.store.js';
import { LaneClock } from '../../src/jobs/lanes/lane-clock.js';
import { LEASE_MS, completionOf } from '../support/stores.js';

/** How often, on one way, each thing may happen that the protocol cannot help. They bound the number of states. */
export interface Chances {
  /** A third request comes in. */
  accept: number;
  /** Somebody cancels the second request. */
  cancel: number;
  /** A worker ends and forgets; another takes its place. */
  crash: number;
  /** The lease of the holder runs out, whether it is dead or goes on unaware. */
  expiry: number;
  /** A commit arrives and its answer does not: the worker says it again. */
  lostAnswer: number;
  /** Nothing can be made now: the worker gives the lane back unfinished. */
  failure: number;
  /** The worker's turn is over, or it is told to end, between two requests. */
  stop: number;
  /** A renewal reaches the database only after its lane was given back or lost. */
  lateRenewal: number;
}

/** What a worker knows, and forgets when it dies: JobsRunner and LaneRun, one statement or one report a step. */
export interface Worker {
  lane: LaneLease | null;
  clock: LaneClock | null;
  doing: 'nothing' | 'beginning' | 'making' | 'ending' | 'failing';
  /** Read, and not begun. */
  ahead: Job[];
  lastRead: number;
  inHand: { job: Job; startedAt: Date } | null;
  made: Completion[];
  /** Sent, and the answer was lost. */
  unanswered: CompletedBatch | null;
  /** The lane it had before. */
  former: LaneLease | null;
}

export interface State {
  workers: [Worker, Worker];
  chances: Chances;
}

/** What may happen next. It gives the state that follows; the database is the other half of it. */
export interface Step {
  name: string;
  /** The lane that the step writes to, as its worker knows it; none when it takes one. */
  writesUnder: LaneLease | null;
  take(): Promise<State>;
}

/** Requests read at once. Fewer than there may be, so that reading on is a step too. */
const AHEAD = 2;

export const IDLE: Worker = {
  lane: null,
  clock: null,
  doing: 'nothing',
  ahead: [],
  lastRead: 0,
  inHand: null,
  made: [],
  unanswered: null,
  former: null,
};

/** Made under a lease; the result tells which, and which delivery came with it. */
export function completionUnder({ epoch }: LaneLease, job: Job, startedAt: Date, completedAt: Date): Completion {
  const deliveryId = uuidv7();
  return completionOf(job, { deliveryId, result: JSON.stringify({ epoch, deliveryId }), startedAt, completedAt });
}

export function spend(chances: Chances, chance: keyof Chances | undefined): Chances {
  return chance ? { ...chances, [chance]: chances[chance] - 1 } : chances;
}

type Move = [name: string, next: () => Promise<Worker>, chance?: keyof Chances];

/** The stores that the workers write through. */
export interface LaneStores {
  leases: LaneLeaseStore;
  jobs: JobsStore;
}

/** All that one of the workers may do next. */
export function stepsOf(stores: LaneStores, { workers, chances }: State, index: 0 | 1): Step[] {
  const worker = workers[index];
  const moves = worker.lane ? movesUnder(worker.lane, stores, worker) : movesWithout(stores, worker);
  return moves
    .filter(([, , chance]) => !chance || chances[chance] > 0)
    .map(([name, next, chance]) => ({
      name: `${'AB'[index]} ${name}`,
      writesUnder: worker.lane ?? (chance === 'lateRenewal' ? worker.former : null),
      take: async () => {
        const moved = await next();
        return {
          workers: index === 0 ? [moved, workers[1]] : [workers[0], moved],
          chances: spend(chances, chance),
        };
      },
    }));
}

function movesWithout({ leases }: LaneStores, worker: Worker): Move[] {
  const { former } = worker;
  const lease = async (): Promise<Worker> => {
    const lane = await leases.lease(LEASE_MS);
    return lane ? { ...IDLE, lane, clock: new LaneClock(lane.startedAt), doing: 'beginning' } : worker;
  };
  const renewLate = async (): Promise<Worker> => {
    await leases.renew([former!], LEASE_MS);
    return worker;
  };
  return [['leases', lease], ...(former ? ([['renews late', renewLate, 'lateRenewal']] as Move[]) : [])];
}

function movesUnder(lane: LaneLease, stores: LaneStores, worker: Worker): Move[] {
  const renew = async (): Promise<Worker> => {
    await stores.leases.renew([lane], LEASE_MS);
    return worker;
  };
  return [['crashes', async () => IDLE, 'crash'], ['renews', renew], ...work(lane, stores, worker)];
}

function work(lane: LaneLease, { leases, jobs }: LaneStores, worker: Worker): Move[] {
  const { doing, inHand, made, unanswered } = worker;
  const ended = { ...IDLE, former: lane };
  const commit = async (batch: CompletedBatch): Promise<Worker> => {
    const finished = await jobs.complete(lane, batch, LEASE_MS);
    return finished === null || batch.release ? ended : { ...worker, made: [], unanswered: null };
  };
  const commitUnheard = async (batch: CompletedBatch): Promise<Worker> => {
    await jobs.complete(lane, batch, LEASE_MS);
    return { ...worker, unanswered: batch };
  };
  const release = async (): Promise<Worker> => {
    await leases.release(lane, 0);
    return ended;
  };

  if (unanswered) return [['commits again', () => commit(unanswered)]];
  const moves = doing === 'beginning' || doing === 'making' ? making(lane, jobs, worker) : [];
  if (made.length > 0 || doing === 'ending') {
    const begun = inHand && { id: inHand.job.id, startedAt: inHand.startedAt };
    const batch = { completions: made, begun, release: doing === 'ending', busyS: 1 };
    moves.push(['commits', () => commit(batch)], ['commits unheard', () => commitUnheard(batch), 'lostAnswer']);
  } else if (doing === 'failing') {
    moves.push(['releases', release]);
  }
  return moves;
}

function making(lane: LaneLease, jobs: JobsStore, worker: Worker): Move[] {
  const { doing, inHand, made, clock } = worker;
  const goOn = (has: Partial<Worker>): Worker => {
    const next = { ...worker, ...has };
    const [job, ...ahead] = next.ahead;
    return { ...next, doing: 'making', ahead, inHand: job ? { job, startedAt: clock!.now() } : null };
  };
  const stop = (has: Partial<Worker>): Worker => ({ ...worker, ahead: [], inHand: null, ...has, doing: 'ending' });
  const read = async (how: () => Promise<Job[]>): Promise<Worker> => {
    const ahead = await how();
    return ahead.length === 0 ? stop({}) : goOn({ ahead, lastRead: ahead.at(-1)!.queuePosition });
  };
  const begin = (): Promise<Job[]> => jobs.begin(lane, AHEAD);

  if (doing === 'beginning') {
    const beginAndStop = async (): Promise<Worker> => {
      await begin();
      return stop({});
    };
    return [
      ['begins', () => read(begin)],
      ['begins and stops', beginAndStop, 'stop'],
    ];
  }
  if (!inHand) return [['reads on', () => read(() => jobs.readAfter(lane, worker.lastRead, AHEAD))]];
  const withThis = (): Completion[] => [...made, completionUnder(lane, inHand.job, inHand.startedAt, clock!.now())];
  return [
    ['makes', async () => goOn({ made: withThis() })],
    ['makes and stops', async () => stop({ made: withThis() }), 'stop'],
    ['fails', async () => ({ ...worker, doing: 'failing' }), 'failure'],
  ];
}
