import { describe, expect, it } from '@jest/globals';
import { type RunningLane, TimeShare, laneToYield } from './time-share.js';

const lane = (account: string, startedAtMs: number): RunningLane => {
  return { account, startedAtMs, yielding: new AbortController() };
};

describe('the lane that makes room for an account that waits', () => {
  const NOW_MS = 1_000;
  it.each([
    ['is the only one', ['a:0'], 'b', 'a:0'],
    ['is the one that has run longest', ['a:500', 'a:300', 'a:400'], 'b', 'a:300'],
    ['belongs to the account with the most', ['a:100', 'b:300', 'b:200'], 'c', 'b:200'],
    ['makes the accounts change places', ['a:100', 'b:300', 'b:200'], 'a', 'b:200'],
    ['is none of the account that waits', ['a:0', 'a:100'], 'a', null],
    ['is none if all accounts have as many', ['a:0', 'b:0'], 'a', null],
    ['is one for the account that has fewer', ['a:0', 'a:100', 'a:200', 'b:0'], 'b', 'a:0'],
    ['has run for a fifth of a second', ['a:900', 'a:801'], 'b', null],
  ])('%s', (_, running, waiting, expected) => {
    const lanes = running.map((text) => lane(text.split(':')[0]!, Number(text.split(':')[1])));
    const chosen = laneToYield(lanes, waiting, NOW_MS);
    expect(chosen && `${chosen.account}:${chosen.startedAtMs}`).toBe(expected);
  });
});

describe('a worker without a free thread', () => {
  const isYielding = ({ yielding }: RunningLane): boolean => yielding.signal.aborted;
  const shareOf = (findWaiting: () => Promise<string | null>) => {
    const clock = { nowMs: 0 };
    return { clock, share: new TimeShare(2, findWaiting, () => clock.nowMs) };
  };

  it('ends one slice for an account that waits, and no second one before that lane has ended', async () => {
    const { clock, share } = shareOf(() => Promise.resolve('b'));
    const lanes = [share.add('a'), share.add('a')] as const;
    clock.nowMs = 1_000;
    await share.check();
    await share.check();
    expect(lanes.map(isYielding)).toEqual([true, false]);
    share.remove(lanes[0]);
    share.remove(lanes[1]);
  });

  it('ends none while nothing waits, while the database is away, or when a thread is free by then', async () => {
    const answers = [() => Promise.resolve(null), () => Promise.reject(new Error('away'))];
    for (const findWaiting of answers) {
      const { clock, share } = shareOf(findWaiting);
      const lanes = [share.add('a'), share.add('a')];
      clock.nowMs = 1_000;
      await share.check();
      expect(lanes.map(isYielding)).toEqual([false, false]);
      for (const each of lanes) share.remove(each);
    }
    const { clock, share } = shareOf(() => Promise.resolve('b'));
    const only = share.add('a');
    clock.nowMs = 1_000;
    await share.check();
    expect(isYielding(only)).toBe(false);
    share.remove(only);
  });
});
