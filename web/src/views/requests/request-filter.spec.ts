import { describe, expect, it } from 'vitest';
import { filterOf, fromLocalInput, rangeOf, toLocalInput } from './request-filter';

const NOW = Date.parse('2026-03-01T12:34:56.789Z');

describe('filterOf', () => {
  it('has the filters of the URL, and neither the page nor empty ones', () => {
    expect(filterOf({ status: 'FAILED', lane: '', q: 'nightly', cursor: 'x', range: 'custom' }, NOW)).toEqual({
      status: 'FAILED',
      q: 'nightly',
    });
  });

  it('starts a range that ends now at a full minute', () => {
    expect(filterOf({ range: '15m', created_to: '2020-01-01T00:00:00Z' }, NOW)).toEqual({
      created_from: '2026-03-01T12:19:00.000Z',
    });
  });

  it('takes the start and the end of a range of its own', () => {
    const range = { created_from: '2026-02-01T00:00:00.000Z', created_to: '2026-02-02T00:00:00.000Z' };
    expect(filterOf({ range: 'custom', ...range }, NOW)).toEqual(range);
    expect(rangeOf(range)).toBe('custom');
    expect(rangeOf({})).toBe('');
  });
});

describe('times of inputs', () => {
  it('come back as they were', () => {
    expect(fromLocalInput(toLocalInput('2026-02-01T10:20:30.000Z'))).toBe('2026-02-01T10:20:30.000Z');
    expect(toLocalInput('yesterday')).toBe('');
    expect(fromLocalInput('')).toBeUndefined();
  });
});
