import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mayPing } from './ping.service.js';

/** Sends as many pings as are admitted for each account in turn, and returns how many each got. */
function admitted(accounts: number): number[] {
  const own = Array<number>(accounts).fill(0);
  let total = 0;
  for (let more = true; more;) {
    more = false;
    for (let account = 0; account < accounts; account++) {
      if (!mayPing(own[account]!, total)) continue;
      own[account]!++;
      total++;
      more = true;
    }
  }
  return own;
}

describe('the pings in flight', () => {
  it('of one account alone are at most 32', () => {
    expect(admitted(1)).toEqual([32]);
  });

  it('of any number of hostile accounts leave a slot to the next account, within the bound of the process', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (accounts) => {
        const own = admitted(accounts);
        const total = own.reduce((sum, each) => sum + each, 0);
        expect(Math.max(...own)).toBeLessThanOrEqual(32);
        expect(total).toBeLessThanOrEqual(512);
        expect(mayPing(0, total)).toBe(true);
      }),
    );
  });
});
