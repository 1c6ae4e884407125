import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Task } from '../../platform/concurrency/worker-loop.js';
import { PauseWatch } from '../../queue/pauses/pause-watch.js';
import { WorkQueue } from '../../queue/work-queue.js';
import { CLOSED } from '../destinations/breaker.js';
import { Breakers } from '../destinations/breakers.js';
import type { Target } from '../destinations/target.js';
import type { BreakerStore } from '../destinations/breaker.store.js';
import type { DueDestination, DueDestinationsStore } from '../leases/due-destinations.store.js';
import type { ExpiredLeasesStore } from '../leases/expired-leases.store.js';
import type { AttemptLimiter } from '../transport/concurrency-limiter.js';
import { CallbacksDispatcher } from './callbacks.dispatcher.js';
import { UnresolvedDestinations } from './postponing.js';
import type { DestinationClaims } from './destination-claims.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

const dispatchers: CallbacksDispatcher[] = [];
afterEach(async () => {
  await Promise.all(dispatchers.splice(0).map((dispatcher) => dispatcher.stop()));
  jest.useRealTimers();
});

class CountedQueue extends WorkQueue {
  wakeUps = 0;
  wake(): void {
    this.wakeUps++;
  }
}

/** Destinations with any number of callbacks due, and receivers that answer on demand. */
function dispatcherOf(...names: string[]) {
  const queue = new CountedQueue();
  const inFlight: { target: Target; answer: () => void }[] = [];
  const due = names.map((destination): DueDestination => ({
    accountId: OPEN_INSTALLATION,
    destination,
    hasQueue: true,
    retryInMs: null,
    breaker: CLOSED,
    opensInMs: 0,
  }));
  const claims = {
    keepPlaces: () => undefined,
    stop: () => inFlight.splice(0).forEach(({ answer }) => answer()),
    claim: (target: DueDestination, permits: number, limiter: AttemptLimiter): Promise<Task[]> =>
      Promise.resolve(
        Array.from({ length: permits }, () => async () => {
          await new Promise<void>((answer) => inFlight.push({ target, answer }));
          limiter.free(target);
        }),
      ),
  };
  const dispatcher = new CallbacksDispatcher(
    { list: () => Promise.resolve(due) } as unknown as DueDestinationsStore,
    {} as ExpiredLeasesStore,
    claims as unknown as DestinationClaims,
    new Breakers({} as BreakerStore, { isDemoDestination: () => false }),
    new UnresolvedDestinations(),
    queue,
    new PauseWatch({ findAll: () => Promise.resolve([]) }, queue),
    { AUTH: 'required' },
  );
  dispatchers.push(dispatcher);
  return { dispatcher, queue, inFlight, due };
}

describe('a worker with more due work than it may send', () => {
  it('wakes the others for it, once a second while there is any', async () => {
    jest.useFakeTimers();
    const { dispatcher, queue, inFlight, due } = dispatcherOf('http://a.test:80');
    // The queue wakes this worker each time, although it has no permits: another one may not be listening.
    for (let second = 1; second <= 3; second++) {
      await dispatcher.run();
      await jest.advanceTimersByTimeAsync(1_000);
      expect([inFlight.length, queue.wakeUps]).toEqual([8, second]);
    }
    due.length = 0;
    await dispatcher.run();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(queue.wakeUps).toBe(3);
  });

  it('wakes no other for a destination whose breaker is open', async () => {
    jest.useFakeTimers();
    const openUntil = new Date(Date.now() + 60_000);
    const { dispatcher, queue, inFlight, due } = dispatcherOf('http://a.test:80');
    due[0]!.breaker = { state: 'open', failures: 10, openings: 1, openedAt: new Date(), openUntil };
    due[0]!.opensInMs = 60_000;
    await dispatcher.run();
    await jest.advanceTimersByTimeAsync(10_000);
    expect([inFlight.length, queue.wakeUps]).toEqual([0, 0]);
  });
});
