import type { LiveLane } from '../../api/live';
import type { Search } from '../../router';
import { number } from '../../ui/format';
import type { Tone } from '../../ui/panel';

/** The part of `GET /api/health` that matters here. Only operators get more than the status. */
export interface HealthFacts {
  status: string;
  dependencies?: Record<string, { status: string; cause: string | null }>;
  queues?: Record<string, { paused_at: string | null }> | null;
  disk?: { is_low: boolean } | null;
}

/** One thing that an operator should look at, and the view to do so. */
export interface Concern {
  tone: Tone;
  text: string;
  path: string;
  search?: Search;
}

/** How many failures are read. */
export const MAX_COUNTED = 100;

/** Shows a count that may be higher than what was read. */
export function counted(count: number): string {
  return count >= MAX_COUNTED ? `${number(MAX_COUNTED)} or more` : number(count);
}

/** Age of a waiting request from which it is worth a look. */
export const OLD_S = 300;

export interface Facts {
  health: HealthFacts | undefined;
  lanes: LiveLane[];
  /** Reports that failed in the last 24 hours. */
  failed: number;
  /** Callbacks of the last 24 hours that were given up. */
  dead: number;
}

/** @returns The concerns, the most pressing first. */
export function concernsOf({ health, lanes, failed, dead }: Facts): Concern[] {
  return [...healthConcerns(health), ...laneConcerns(lanes), ...failures(failed, dead)];
}

function healthConcerns(health: HealthFacts | undefined): Concern[] {
  if (!health) return [];
  const path = '/app/system';
  const down = Object.entries(health.dependencies ?? {})
    .filter(([, { status }]) => status === 'down')
    .map(([name, { cause }]) => ({ name, why: cause === null ? '' : `: ${cause}` }));
  const paused = Object.entries(health.queues ?? {}).filter(([, { paused_at: at }]) => at !== null);
  return [
    ...down.map(({ name, why }): Concern => ({ tone: 'bad', text: `${capital(name)} is down${why}`, path })),
    ...(health.disk?.is_low ? [{ tone: 'bad' as const, text: 'The disk is almost full', path }] : []),
    ...paused.map(([name]): Concern => ({ tone: 'warn', text: `The queue of ${name} is paused`, path: '/app/queue' })),
  ];
}

function laneConcerns(lanes: LiveLane[]): Concern[] {
  const path = '/app/queue';
  const paused = lanes.filter((lane) => lane.paused).length;
  const slow = lanes.filter((lane) => !lane.paused && (lane.head_age_seconds ?? 0) > OLD_S).length;
  const waiting = `${slow === 1 ? '1 lane waits' : `${number(slow)} lanes wait`} for more than ${OLD_S / 60} minutes`;
  const resting = paused === 1 ? '1 lane is paused' : `${number(paused)} lanes are paused`;
  return [
    ...(slow > 0 ? [{ tone: 'bad' as const, text: waiting, path }] : []),
    ...(paused > 0 ? [{ tone: 'warn' as const, text: resting, path }] : []),
  ];
}

function failures(failed: number, dead: number): Concern[] {
  const reports = `${counted(failed)} ${failed === 1 ? 'report' : 'reports'} failed in the last 24 hours`;
  const callbacks = `${counted(dead)} ${dead === 1 ? 'callback was' : 'callbacks were'} given up in the last 24 hours`;
  return [
    ...(failed > 0
      ? [{ tone: 'bad' as const, text: reports, path: '/app/requests', search: { status: 'FAILED', range: '24h' } }]
      : []),
    ...(dead > 0 ? [{ tone: 'bad' as const, text: callbacks, path: '/app/callbacks', search: { since: '24h' } }] : []),
  ];
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
