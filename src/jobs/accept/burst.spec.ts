import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { Burst } from './burst.js';

/** A burst whose callers are acknowledged, and looked after, when the test says so. */
function gated() {
  const wake = jest.fn();
  const line: { acknowledge: (answer: string) => void; refuse: (error: Error) => void }[] = [];
  const pauses: (() => void)[] = [];
  const burst = new Burst(wake, () => new Promise<void>((resolve) => pauses.push(resolve)));
  const come = (): Promise<string> =>
    burst.acknowledge(() => new Promise((acknowledge, refuse) => line.push({ acknowledge, refuse })));
  /** Acknowledges so many. */
  const answer = async (count: number): Promise<void> => {
    for (const { acknowledge } of line.splice(0, count)) acknowledge('accepted');
    await nextTurn();
  };
  const look = async (): Promise<void> => {
    pauses.shift()!();
    await nextTurn();
  };
  return { wake, line, come, answer, look };
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

describe('acknowledging', () => {
  it.each([1, 2, 3, 4])('%d at a time is no burst: the worker is woken at once', async (count) => {
    const { wake, come, answer } = gated();
    const answers = Promise.all(times(count, come));
    for (let answered = 1; answered <= count; answered++) {
      await answer(1);
      expect(wake).toHaveBeenCalledTimes(answered);
    }
    expect(await answers).toEqual(times(count, () => 'accepted'));
  });

  it('a burst wakes the worker once, when there is nobody in line any more', async () => {
    const { wake, come, answer, look } = gated();
    for (let wave = 0; wave < 5; wave++) {
      const answers = times(30, come);
      await answer(30);
      expect(await Promise.all(answers)).toHaveLength(30);
      // The wave is over by then, but those who came since the last look are about to come again.
      if (wave > 0) await look();
      expect(wake).not.toHaveBeenCalled();
    }
    await look();
    expect(wake).toHaveBeenCalledTimes(1);
  });

  it('a burst that does not end holds reports up for ten looks and no longer', async () => {
    const { wake, line, come, answer, look } = gated();
    void Promise.all(times(10, come));
    await answer(1);
    for (let looks = 0; looks < 10; looks++) {
      expect(wake).not.toHaveBeenCalled();
      void come();
      await answer(1);
      await look();
    }
    expect(line).toHaveLength(9);
    expect(wake).toHaveBeenCalledTimes(1);
  });

  it('nobody, since one was refused, wakes nobody', async () => {
    const { wake, line, come } = gated();
    const refused = come();
    line[0]!.refuse(new Error('The lane is full'));
    await expect(refused).rejects.toThrow('The lane is full');
    expect(wake).not.toHaveBeenCalled();
  });
});
