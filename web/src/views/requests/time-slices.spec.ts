import { expect, it } from 'vitest';
import { timeSlices } from './time-slices';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');

it('leaves a small number of requests whole', () => {
  expect(timeSlices({ status: 'FAILED' }, 500, NOW)).toEqual([{ status: 'FAILED' }]);
});

it('divides a range without gap or overlap, newest part first', () => {
  const slices = timeSlices({ lane: 'a', created_from: '2026-03-01T11:30:00.000Z' }, 501, NOW);
  expect(slices).toEqual([
    { lane: 'a', created_from: '2026-03-01T11:59:00.000Z' },
    { lane: 'a', created_from: '2026-03-01T11:55:00.000Z', created_to: '2026-03-01T11:59:00.000Z' },
    { lane: 'a', created_from: '2026-03-01T11:40:00.000Z', created_to: '2026-03-01T11:55:00.000Z' },
    { lane: 'a', created_from: '2026-03-01T11:30:00.000Z', created_to: '2026-03-01T11:40:00.000Z' },
  ]);
});

it('covers all time, and no more than the filter', () => {
  const all = timeSlices({}, 10_000, NOW);
  expect(all[0]).toEqual({ created_from: '2026-03-01T11:59:00.000Z' });
  expect(all.at(-1)).toEqual({ created_to: '2026-01-30T12:00:00.000Z' });
  const old = { created_to: '2025-01-01T00:00:00.000Z' };
  expect(timeSlices(old, 10_000, NOW)).toEqual([old]);
});
