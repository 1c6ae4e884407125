import { describe, expect, it } from 'vitest';
import type { LiveLane, LiveRequest } from '../../api/live';
import { perMinute } from './throughput';

const NOW_MS = Date.parse('2026-01-01T00:10:00.000Z');
const request = (completed_at: string): LiveRequest => ({
  id: completed_at,
  mode: 'async',
  status: 'COMPLETED',
  report: 'digest',
  lane: 'default',
  input_payload: {},
  result_payload: null,
  error: null,
  callback_url: null,
  callback_status: null,
  callback_error: null,
  callback_next_attempt_at: null,
  callback_attempts: 0,
  idempotency_key: null,
  queue_position: 1,
  created_at: completed_at,
  started_at: completed_at,
  completed_at,
});
const lane = (pending: number): LiveLane => ({
  lane: 'default',
  pending,
  in_progress: 0,
  head_age_seconds: null,
  drain_rate_per_minute: 90.4,
  held_by: null,
  paused: false,
  priority: 0,
});
const REQUESTS = [request('2026-01-01T00:09:30.000Z'), request('2026-01-01T00:09:00.000Z')];

describe('reports a minute', () => {
  it('are those of the last minute', () => {
    expect(perMinute({ version: 1, requests: REQUESTS, lanes: [lane(0)] }, NOW_MS)).toBe(1);
  });

  it('are the measured throughput of lanes that are busy', () => {
    expect(perMinute({ version: 1, requests: REQUESTS, lanes: [lane(1)] }, NOW_MS)).toBe(90);
  });
});
