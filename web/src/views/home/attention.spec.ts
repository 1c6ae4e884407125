import { describe, expect, it } from 'vitest';
import type { LiveLane } from '../../api/live';
import { type Facts, type HealthFacts, concernsOf } from './attention';

const QUIET: Facts = { health: { status: 'ok' }, lanes: [], failed: 0, dead: 0 };
const LANE: LiveLane = {
  lane: 'default',
  pending: 1,
  in_progress: 0,
  head_age_seconds: 10,
  drain_rate_per_minute: 0,
  held_by: null,
  paused: false,
  priority: 0,
};
const UNWELL: HealthFacts = {
  status: 'degraded',
  dependencies: {
    database: { status: 'down', cause: 'connection-refused' },
    queue: { status: 'up', cause: null },
  },
  queues: { reports: { paused_at: '2026-01-01T00:00:00.000Z' }, callbacks: { paused_at: null } },
  disk: { is_low: true },
};

const textsOf = (facts: Facts): string[] => concernsOf(facts).map(({ text }) => text);

describe('what needs attention', () => {
  it('is nothing while all is well', () => expect(concernsOf({ ...QUIET, lanes: [LANE] })).toEqual([]));

  it('names each dependency that is down, with its cause', () => {
    expect(textsOf({ ...QUIET, health: UNWELL })).toEqual([
      'Database is down: connection-refused',
      'The disk is almost full',
      'The queue of reports is paused',
    ]);
  });

  it('counts lanes that wait for long, and paused ones', () => {
    const slow = { ...LANE, head_age_seconds: 301 };
    const paused = { ...slow, paused: true };
    expect(textsOf({ ...QUIET, lanes: [slow, paused, paused] })).toEqual([
      '1 lane waits for more than 5 minutes',
      '2 lanes are paused',
    ]);
  });

  it('leads to the failures', () => {
    expect(concernsOf({ ...QUIET, failed: 1, dead: 100 })).toEqual([
      {
        tone: 'bad',
        text: '1 report failed in the last 24 hours',
        path: '/app/requests',
        search: { status: 'FAILED', range: '24h' },
      },
      {
        tone: 'bad',
        text: '100 or more callbacks were given up in the last 24 hours',
        path: '/app/callbacks',
        search: { since: '24h' },
      },
    ]);
  });
});
