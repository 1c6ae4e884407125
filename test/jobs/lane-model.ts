import { v7 as uuidv7 } from 'uuid';
import type { Completion, Job } from '../../src/jobs/job.js';
import type { CompletedBatch, JobsStore } from '../../src/jobs/lanes/jobs.store.js';
import type { LaneLease, LaneLeaseStore } from '../../src/jobs/lanes/lane-lease.store.js';
import { LaneClock } from '../../src/jobs/lanes/lane-clock.js';
import { LEASE_MS, completionOf } from '../support/stores.js';

/** How often each external event may happen on one path. This bounds the number of states. */
export interface Chances {
  /** A third request is accepted. */
  accept: number;
  /** The second request is cancelled. */
  cancel: number;
  /** A worker crashes and loses its state; another takes its place. */
  crash: number;
  /** The lease expires, whether its worker has crashed or continues unaware. */
  expiry: number;
  /** A commit succeeds and its answer is lost: the worker repeats it. */
  lostAnswer: number;
  /** Generating is not possible now: the worker releases the lane unfinished. */
  failure: number;
  /** The time slice ends between two requests, or the worker is draining. */
  stop: number;
  /** A renewal reaches the database after its lane was released or lost. */
  lateRenewal: number;
}

/** The state of a worker, lost in a crash. Models JobsRunner and LaneRun with one statement or one report per step. */
export interface Worker {
  lane: LaneLease | null;
  clock: LaneClock | null;
  doing: 'nothing' | 'beginning' | 'generating' | 'ending' | 'failing';
  /** Requests that were read and not begun. */
  ahead: Job[];
  lastRead: number;
  inHand: { job: Job; startedAt: Date } | null;
  generated: Completion[];
  /** A commit whose answer was lost. */
  unanswered: CompletedBatch | null;
  /** The previous lease. */
  former: LaneLease | null;
}

export interface State {
  workers: [Worker, Worker];
  chances: Chances;
}

/** A possible next step. It returns the state that follows; the database holds the rest of the state. */
export interface Step {
  name: string;
  /** The lease under which the step writes; null when it takes one. */
  writesUnder: LaneLease | null;
  take(): Promise<State>;
}

/** Requests per read. Fewer than the lane has, so that the model includes further reads. */
const AHEAD = 2;

export const IDLE: Worker = {
  lane: null,
  clock: null,
  doing: 'nothing',
  ahead: [],
  lastRead: 0,
  inHand: null,
  generated: [],
  unanswered: null,
  former: null,
};

/** A completion under a lease; its result contains the epoch and the id of its delivery. */
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

/** The possible next steps of one worker. */
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
  const { doing, inHand, generated, unanswered } = worker;
  const ended = { ...IDLE, former: lane };
  const commit = async (batch: CompletedBatch): Promise<Worker> => {
    const finished = await jobs.complete(lane, batch, LEASE_MS);
    return finished === null || batch.release ? ended : { ...worker, generated: [], unanswered: null };
  };
  const commitWithoutAnswer = async (batch: CompletedBatch): Promise<Worker> => {
    await jobs.complete(lane, batch, LEASE_MS);
    return { ...worker, unanswered: batch };
  };
  const release = async (): Promise<Worker> => {
    await leases.release(lane, 0);
    return ended;
  };

  if (unanswered) return [['commits again', () => commit(unanswered)]];
  const moves = doing === 'beginning' || doing === 'generating' ? generating(lane, jobs, worker) : [];
  if (generated.length > 0 || doing === 'ending') {
    const begun = inHand && { id: inHand.job.id, startedAt: inHand.startedAt };
    const batch = { completions: generated, begun, release: doing === 'ending', busyS: 1 };
    moves.push(
      ['commits', () => commit(batch)],
      ['commits without an answer', () => commitWithoutAnswer(batch), 'lostAnswer'],
    );
  } else if (doing === 'failing') {
    moves.push(['releases', release]);
  }
  return moves;
}

function generating(lane: LaneLease, jobs: JobsStore, worker: Worker): Move[] {
  const { doing, inHand, generated, clock } = worker;
  const goOn = (has: Partial<Worker>): Worker => {
    const next = { ...worker, ...has };
    const [job, ...ahead] = next.ahead;
    return { ...next, doing: 'generating', ahead, inHand: job ? { job, startedAt: clock!.now() } : null };
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
  const withThis = (): Completion[] => [
    ...generated,
    completionUnder(lane, inHand.job, inHand.startedAt, clock!.now()),
  ];
  return [
    ['generates', async () => goOn({ generated: withThis() })],
    ['generates and stops', async () => stop({ generated: withThis() }), 'stop'],
    ['fails', async () => ({ ...worker, doing: 'failing' }), 'failure'],
  ];
}
