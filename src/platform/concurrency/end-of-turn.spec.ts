import { describe, expect, it } from '@jest/globals';
import { atEndOfTurn } from './end-of-turn.js';

/** Calls these in one turn of the event loop, and waits for some more turns. */
async function turn(...events: (() => void)[]): Promise<void> {
  for (const event of events) process.nextTick(event);
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
}

describe('what is left to the end of the turn', () => {
  it('runs behind what all events of the turn have set, and before the next turn', async () => {
    const ran: string[] = [];
    const event = (name: string) => (): void => {
      atEndOfTurn(() => ran.push(`end of ${name}`));
      setImmediate(() => {
        ran.push(`immediate of ${name}`);
        setImmediate(() => ran.push('next turn'));
      });
    };
    await turn(event('a'), event('b'));
    expect(ran.slice(0, 4)).toEqual(['immediate of a', 'immediate of b', 'end of a', 'end of b']);
    expect(ran.slice(4)).toEqual(['next turn', 'next turn']);
  });

  it('runs once, in the turn after when it comes up at the end of one', async () => {
    const ran: number[] = [];
    const again = (): void => {
      if (ran.push(ran.length) < 3) atEndOfTurn(again);
    };
    await turn(() => atEndOfTurn(again));
    await turn();
    expect(ran).toEqual([0, 1, 2]);
  });
});
