import { expect, it } from '@jest/globals';
import { AccountTurns } from './account-turns.js';

let nowMs = 0;
const turns = (...served: string[]): AccountTurns => {
  const fresh = new AccountTurns(() => nowMs);
  for (const account of served) fresh.served(account);
  return fresh;
};

it('orders accounts by when they were last served', () => {
  expect(turns('a', 'b', 'c', 'a').recent([])).toEqual(['b', 'c', 'a']);
});

it('orders accounts by the number of their running lanes first', () => {
  expect(turns('a', 'b', 'c').recent(['a', 'a', 'b'])).toEqual(['c', 'b', 'a']);
});

it('orders an account that runs a long report, and was not served for a minute, behind those that run nothing', () => {
  nowMs = 0;
  const remembered = turns('long');
  nowMs = 60_001;
  remembered.served('other');
  expect(remembered.recent(['long'])).toEqual(['other', 'long']);
});

it('forgets an account that was not served for a minute', () => {
  nowMs = 0;
  const remembered = turns('a');
  nowMs = 30_000;
  remembered.served('b');
  nowMs = 60_001;
  expect(remembered.recent([])).toEqual(['b']);
});

it('remembers at most 256 accounts', () => {
  const accounts = Array.from({ length: 261 }, (_, index) => `account-${index}`);
  expect(turns(...accounts).recent([])).toEqual(accounts.slice(5));
});
