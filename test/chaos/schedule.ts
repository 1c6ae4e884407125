import { Random } from './random.js';

export const APIS = ['api-1', 'api-2'] as const;
export const WORKERS = ['worker-1', 'worker-2', 'worker-3'] as const;
export const PROCESSES = [...APIS, ...WORKERS] as const;
export type ProcessName = (typeof PROCESSES)[number];

/** Lease of a worker (`LANE_LEASE`). A freeze lasts longer, so the lease expires. */
export const LEASE_MS = 3_000;

export type PausedQueue = 'reports' | 'callbacks';

export type Fault =
  | { kind: 'kill'; process: ProcessName; forMs: number }
  | { kind: 'freeze'; process: ProcessName; forMs: number }
  | { kind: 'clock-jump'; process: ProcessName; byMs: number; forMs: number }
  | { kind: 'redis-kill'; forMs: number }
  | { kind: 'redis-flush'; forMs: number }
  | { kind: 'redis-unreachable'; how: 'refused' | 'silent'; forMs: number }
  | { kind: 'postgres-restart'; how: 'fast' | 'immediate'; forMs: number }
  | { kind: 'store-full'; forMs: number }
  | { kind: 'store-away'; how: 'stopped' | 'failing'; forMs: number }
  | { kind: 'queue-pause'; queue: PausedQueue; forMs: number };

/** A fault, and its start in ms after the start of the run. */
export type PlannedFault = Fault & { atMs: number };

/** Time between the starts of two faults. Faults last longer, so several overlap. */
const GAP_MS = [2_000, 6_000] as const;
/** Pause between two faults of one target. A fault has no effect on a target that is still down. */
const RECOVERY_MS = 4_000;
/** No fault lasts into the last seconds of the run. */
const QUIET_END_MS = 5_000;

/** The faults of one round. Each round has each of them once, so that a short run has them all. */
const DECK: ((random: Random, free: (names: readonly ProcessName[]) => ProcessName) => Fault)[] = [
  (random, free) => ({ kind: 'kill', process: free(APIS), forMs: random.between(0, 2_000) }),
  (random, free) => ({ kind: 'kill', process: free(WORKERS), forMs: random.between(0, 2_000) }),
  (random, free) => ({ kind: 'freeze', process: free(WORKERS), forMs: LEASE_MS + random.between(500, 4_000) }),
  (random, free) => ({
    kind: 'clock-jump',
    process: free(PROCESSES),
    byMs: jump(random),
    forMs: random.between(3_000, 8_000),
  }),
  (random) => ({ kind: 'redis-kill', forMs: random.between(500, 5_000) }),
  () => ({ kind: 'redis-flush', forMs: 0 }),
  (random) => ({
    kind: 'redis-unreachable',
    how: random.pick(['refused', 'silent'] as const),
    forMs: random.between(2_000, 6_000),
  }),
  (random) => ({ kind: 'postgres-restart', how: 'fast', forMs: random.between(0, 3_000) }),
  (random) => ({ kind: 'postgres-restart', how: 'immediate', forMs: random.between(0, 3_000) }),
  (random) => ({ kind: 'store-full', forMs: random.between(2_000, 6_000) }),
  (random) => ({
    kind: 'store-away',
    how: random.pick(['stopped', 'failing'] as const),
    forMs: random.between(2_000, 6_000),
  }),
  (random) => ({
    kind: 'queue-pause',
    queue: random.pick(['reports', 'callbacks'] as const),
    forMs: random.between(2_000, 6_000),
  }),
];

/** A jump of the clock by 1 second to 40 days, forward or back: longer than every retry delay and every retention. */
function jump(random: Random): number {
  return (random.percent(50) ? 1 : -1) * random.between(1_000, random.pick([10_000, 7_200_000, 3_456_000_000]));
}

/** Returns the target of a fault. Two faults of one target never overlap. */
export function targetOf(fault: Fault): string {
  if ('process' in fault) return fault.process;
  return fault.kind === 'redis-flush' ? 'redis-kill' : fault.kind;
}

/** Returns the faults of a run in order of their start. Pure: the same seed returns the same faults. */
export function schedule(seed: number, durationMs: number): PlannedFault[] {
  const random = new Random(seed);
  const freeAtMs = new Map<string, number>();
  const planned: PlannedFault[] = [];
  let deck: typeof DECK = [];
  for (let atMs = random.between(...GAP_MS); ; atMs += random.between(...GAP_MS)) {
    if (deck.length === 0) deck = random.shuffled(DECK);
    const isFree = (target: string) => (freeAtMs.get(target) ?? 0) <= atMs;
    const free = (names: readonly ProcessName[]) => random.pick(names.some(isFree) ? names.filter(isFree) : names);
    const fault = deck.pop()!(random, free);
    const target = targetOf(fault);
    atMs = Math.max(atMs, freeAtMs.get(target) ?? 0);
    if (atMs + fault.forMs > durationMs - QUIET_END_MS) return planned;
    freeAtMs.set(target, atMs + fault.forMs + RECOVERY_MS);
    planned.push({ ...fault, atMs });
  }
}
