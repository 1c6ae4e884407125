import { describe, expect, it } from 'vitest';
import { type LiveEvent, type LiveLane, type LiveRequest, after } from './live';

const request = (id: string, status: LiveRequest['status'] = 'PENDING') => ({ id, status }) as LiveRequest;
const lane = (name: string, pending = 0) => ({ lane: name, pending }) as LiveLane;
const event = (version: number, more: Partial<LiveEvent>): LiveEvent => ({ version, requests: [], lanes: [], ...more });
const NOTHING = { requests: [], lanes: [] };

describe('the live state after an event', () => {
  const first = after(null, event(1, { requests: [request('1'), request('3')], lanes: [lane('b'), lane('a')] }));

  it('is the first event, newest request first and lanes by name', () => {
    expect(first.version).toBe(1);
    expect(first.requests.map(({ id }) => id)).toEqual(['3', '1']);
    expect(first.lanes.map(({ lane: name }) => name)).toEqual(['a', 'b']);
  });

  it('has changed entries in their place, and new ones', () => {
    const changed = { requests: [request('1', 'COMPLETED'), request('2')], lanes: [lane('a', 5), lane('c')] };
    const next = after(first, event(2, { ...changed, removed: NOTHING }));
    expect(next.version).toBe(2);
    expect(next.requests).toEqual([request('3'), request('2'), request('1', 'COMPLETED')]);
    expect(next.lanes).toEqual([lane('a', 5), lane('b'), lane('c')]);
  });

  it('lacks removed entries', () => {
    const next = after(first, event(2, { removed: { requests: ['3', 'unknown'], lanes: ['a'] } }));
    expect(next.requests).toEqual([request('1')]);
    expect(next.lanes).toEqual([lane('b')]);
  });

  it('is a whole state that comes again after a reconnect, without what was deleted meanwhile', () => {
    const next = after(first, event(9, { requests: [request('4', 'FAILED')], lanes: [] }));
    expect(next).toEqual({ version: 9, requests: [request('4', 'FAILED')], lanes: [] });
  });

  it('does not change the state before', () => {
    after(first, event(2, { requests: [request('1', 'FAILED')], removed: { requests: ['3'], lanes: ['a', 'b'] } }));
    expect(first.requests).toEqual([request('3'), request('1')]);
    expect(first.lanes).toEqual([lane('a'), lane('b')]);
  });
});
