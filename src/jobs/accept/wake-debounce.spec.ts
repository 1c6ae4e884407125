import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { WakeDebounce } from './wake-debounce.js';

/** A debounce whose requests are accepted, and whose checks take place, when the test calls for it. */
function gated() {
  const wake = jest.fn();
  const line: { acknowledge: (answer: string) => void; refuse: (error: Error) => void }[] = [];
  const pauses: (() => void)[] = [];
  const debounce = new WakeDebounce(wake, () => new Promise<void>((resolve) => pauses.push(resolve)));
  const come = (): Promise<string> =>
    debounce.acknowledge(() => new Promise((acknowledge, refuse) => line.push({ acknowledge, refuse })));
  /** Accepts the first `count` pending requests. */
  const answer = async (count: number): Promise<void> => {
    for (const { acknowledge } of line.splice(0, count)) acknowledge('accepted');
    await nextTurn();
  };
  const check = async (): Promise<void> => {
    pauses.shift()!();
    await nextTurn();
  };
  return { wake, line, come, answer, check };
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

describe('WakeDebounce', () => {
  it.each([1, 2, 3, 4])('wakes the worker at once for %d concurrent requests', async (count) => {
    const { wake, come, answer } = gated();
    const answers = Promise.all(times(count, come));
    for (let answered = 1; answered <= count; answered++) {
      await answer(1);
      expect(wake).toHaveBeenCalledTimes(answered);
    }
    expect(await answers).toEqual(times(count, () => 'accepted'));
  });

  it('wakes the worker once for a burst, when no request is pending any more', async () => {
    const { wake, come, answer, check } = gated();
    for (let wave = 0; wave < 5; wave++) {
      const answers = times(30, come);
      await answer(30);
      expect(await Promise.all(answers)).toHaveLength(30);
      // No request is pending by then, but the peak since the last check counts.
      if (wave > 0) await check();
      expect(wake).not.toHaveBeenCalled();
    }
    await check();
    expect(wake).toHaveBeenCalledTimes(1);
  });

  it('wakes the worker after ten checks at the latest when the burst does not end', async () => {
    const { wake, line, come, answer, check } = gated();
    void Promise.all(times(10, come));
    await answer(1);
    for (let checks = 0; checks < 10; checks++) {
      expect(wake).not.toHaveBeenCalled();
      void come();
      await answer(1);
      await check();
    }
    expect(line).toHaveLength(9);
    expect(wake).toHaveBeenCalledTimes(1);
  });

  it('does not wake the worker for a request that was refused', async () => {
    const { wake, line, come } = gated();
    const refused = come();
    line[0]!.refuse(new Error('The lane is full'));
    await expect(refused).rejects.toThrow('The lane is full');
    expect(wake).not.toHaveBeenCalled();
  });
});
