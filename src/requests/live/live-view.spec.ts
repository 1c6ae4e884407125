import { describe, expect, it } from '@jest/globals';
import { type LiveEntry, LiveView } from './live-view.js';

function rows(...entries: [string, number][]): Map<string, LiveEntry> {
  return new Map(
    entries.map(([id, n]) => {
      const json = JSON.stringify({ id, n });
      return [id, { json, mark: json }];
    }),
  );
}
const NONE = new Map<string, LiveEntry>();

/** A view whose states have these requests, and the versions that they got. */
function viewOf(...states: Map<string, LiveEntry>[]) {
  const view = new LiveView();
  const versions = states.map((requests) => (view.update({ requests, lanes: NONE }, 0) ? view.version : null));
  return { view, versions, since: (version: number) => parsed(view.since(version)) };
}

function parsed({ type, data }: { type: string; data: string }) {
  return { type, ...(JSON.parse(data) as object) };
}

describe('LiveView', () => {
  it('gives the whole state to a listener without a version', () => {
    const { since } = viewOf(rows(['a', 1], ['b', 1]), rows(['a', 2], ['b', 1]));
    const requests = [
      { id: 'a', n: 2 },
      { id: 'b', n: 1 },
    ];
    expect(since(0)).toEqual({ type: 'state', version: 2, requests, lanes: [] });
  });

  it('gives what changed since the version of the listener, however many versions are between', () => {
    const { since } = viewOf(rows(['a', 1], ['b', 1]), rows(['a', 2], ['b', 1]), rows(['a', 3], ['c', 1]));
    expect(since(1)).toEqual({
      type: 'change',
      version: 3,
      requests: [
        { id: 'a', n: 3 },
        { id: 'c', n: 1 },
      ],
      lanes: [],
      removed: { requests: ['b'], lanes: [] },
    });
  });

  it('gives an entry that came back, and does not remove it', () => {
    const { since } = viewOf(rows(['a', 1]), NONE, rows(['a', 1]));
    expect(since(1)).toMatchObject({ requests: [{ id: 'a', n: 1 }], removed: { requests: [] } });
  });

  it('gives the state in the order of the last read, whatever came first', () => {
    const { since } = viewOf(rows(['a', 1]), rows(['c', 1], ['b', 1], ['a', 1]));
    const ids = (since(0) as unknown as { requests: { id: string }[] }).requests.map(({ id }) => id);
    expect(ids).toEqual(['c', 'b', 'a']);
  });

  it('has no new version while only an age grows, and gives the new age with the next state', () => {
    const aged = (age: number) => new Map([['lane', { json: JSON.stringify({ lane: 'lane', age }), mark: 'lane' }]]);
    const view = new LiveView();
    view.update({ requests: NONE, lanes: aged(1) }, 0);
    expect(view.update({ requests: NONE, lanes: aged(2) }, 0)).toBe(false);
    expect(view.update({ requests: rows(['a', 1]), lanes: aged(3) }, 0)).toBe(true);
    expect(parsed(view.since(0))).toMatchObject({ lanes: [{ lane: 'lane', age: 3 }] });
    expect(parsed(view.since(1))).toMatchObject({ lanes: [] });
  });

  it('builds an event once for all listeners with the same version', () => {
    const { view } = viewOf(rows(['a', 1]), rows(['a', 2]));
    expect(view.since(1)).toBe(view.since(1));
  });

  it('has no new version without a change', () => {
    expect(viewOf(rows(['a', 1]), rows(['a', 1]), NONE, NONE).versions).toEqual([1, null, 2, null]);
  });

  it('has versions that are at least the time, so that they grow over a restart', () => {
    const view = new LiveView();
    view.update({ requests: NONE, lanes: NONE }, 1_000);
    expect(view.version).toBe(1_000);
    view.update({ requests: rows(['a', 1]), lanes: NONE }, 999);
    expect(view.version).toBe(1_001);
  });

  it('gives the whole state to a listener that is further behind than removals are remembered', () => {
    const many = rows(...Array.from({ length: 1_001 }, (_, n): [string, number] => [`r${n}`, n]));
    const { since } = viewOf(many, NONE);
    expect(since(1)).toEqual({ type: 'state', version: 2, requests: [], lanes: [] });
  });
});
