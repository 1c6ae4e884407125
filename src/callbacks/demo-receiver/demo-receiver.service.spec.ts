import { expect, it } from '@jest/globals';
import { HISTORY_LIMIT } from './demo-receiver.schema.js';
import { DemoReceiverService } from './demo-receiver.service.js';

it('the demo receiver keeps the newest callbacks and counts all', () => {
  const receiver = new DemoReceiverService(Math.random);
  for (let n = 1; n <= HISTORY_LIMIT + 5; n += 1) receiver.receive({}, { n });
  const { total, callbacks } = receiver.history(HISTORY_LIMIT);
  expect(total).toBe(HISTORY_LIMIT + 5);
  expect(callbacks).toHaveLength(HISTORY_LIMIT);
  expect(callbacks[0]!.body).toEqual({ n: 6 });
});

it.each([
  [30, 0.299, 0.3],
  [1, 0.009, 0.01],
  [100, 0.999, 1],
])('simulated failures apply at a rate of %i%%', (failure_rate, failing, passing) => {
  let chance = failing;
  const receiver = new DemoReceiverService(() => chance);
  receiver.simulateFailures({ enabled: true, failure_rate });
  expect(receiver.receive({}, {})).toBeNull();
  chance = passing;
  expect(receiver.receive({}, {})).not.toBeNull();
  expect(receiver.history(HISTORY_LIMIT).total).toBe(1);
});
