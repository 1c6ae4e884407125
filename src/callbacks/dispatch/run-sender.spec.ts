import { describe, expect, it } from '@jest/globals';
import type { Breakers } from '../destinations/breakers.js';
import type { CallbackAttempt } from '../transport/callback-attempt.js';
import type { CallbacksService, EndedAttempt } from './callbacks.service.js';
import type { DueDelivery } from './due.store.js';
import type { Relay } from '../transport/http-transport.js';
import { MAX_UNRECORDED, RunSender } from './run-sender.js';
import { Turn } from './turn.js';

const TAKEN = { event: 'success', isGone: false, status: 'SUCCESS', retryAtMs: null } as EndedAttempt;

/** Until everything that can go on has gone on. */
async function settled(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** Three callbacks of a line, to a receiver that answers when it is told to; and what may keep them from being sent. */
function line() {
  const may = { isOurs: true, isClosed: true };
  const log: string[] = [];
  const waiting = ['1', '2', '3'].map((id) => ({ id, isDisabled: false }) as DueDelivery);
  let answer: (outcome: EndedAttempt | Error) => void = () => undefined;
  /** What is lined up. */
  let release: (isTaken: boolean) => void = () => undefined;
  const send = ({ id }: DueDelivery): Promise<EndedAttempt> => {
    log.push(`sent ${id}`);
    return new Promise((resolve, reject) => {
      answer = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve({ ...outcome, deliveryId: id }));
    });
  };
  const callbacks = {
    attempt(delivery: DueDelivery, relay: Relay) {
      relay.last = { isUnderWay: true } as CallbackAttempt;
      return send(delivery);
    },
    follow: (delivery: DueDelivery, relay: Relay, take: () => boolean) =>
      new Promise<EndedAttempt | null>((resolve) => {
        release = (isTaken) => {
          const goes = isTaken && take();
          relay.last = { isUnderWay: goes } as CallbackAttempt;
          resolve(goes ? send(delivery) : null);
        };
      }),
    record: ({ deliveryId }: EndedAttempt) => Promise.resolve(void log.push(`recorded ${deliveryId}`)),
  };
  const breakers = { isClosed: () => may.isClosed, mayProbe: () => Promise.resolve(false), note: () => undefined };
  const run = {
    destination: 'http://receiver.test',
    senders: 1,
    source: { next: () => Promise.resolve(waiting.shift() ?? null), recorded: () => undefined },
    line: {
      upcoming: () => waiting[0],
      take: (delivery: DueDelivery) => waiting[0] === delivery && waiting.shift() !== undefined,
    },
  };
  const turn = new Turn(Number.POSITIVE_INFINITY, () => may.isOurs);
  const sender = new RunSender(run, turn, callbacks as unknown as CallbacksService, breakers as unknown as Breakers, {
    isStrict: false,
    onRetry: () => undefined,
  });
  return {
    may,
    log,
    turn,
    waiting,
    send: () => sender.send(),
    /** The one on its way is answered, and what is lined up goes if it may. */
    answer: async (outcome: EndedAttempt | Error = TAKEN): Promise<void> => {
      const before = answer;
      release(outcome === TAKEN);
      before(outcome);
      await settled();
    },
  };
}

describe('a line', () => {
  it('is sent to its end, each when the one before was answered, and put on record', async () => {
    const { send, answer, log } = line();
    const ended = send();
    await settled();
    for (let n = 1; n <= 3; n++) {
      expect(log.filter((entry) => entry.startsWith('sent'))).toHaveLength(n);
      await answer();
    }
    await ended;
    expect(log).toEqual(['sent 1', 'sent 2', 'recorded 1', 'sent 3', 'recorded 2', 'recorded 3']);
  });

  it.each([
    ['the stream is not ours any more', { isOurs: false }],
    ['the breaker has opened', { isClosed: false }],
  ])('goes no further when %s: what is lined up is not sent, and nothing is lost', async (_, change) => {
    const { send, answer, log, may, waiting, turn } = line();
    const ended = send();
    await settled();
    Object.assign(may, change);
    await answer();
    await ended;
    expect(log).toEqual(['sent 1', 'recorded 1']);
    expect([...turn.unsent, ...waiting].map(({ id }) => id)).toEqual(['2', '3']);
  });

  it('goes on the ordinary way, where records are waited for, when too many are missing', async () => {
    const { send, answer, log, turn } = line();
    const ended = send();
    await settled();
    turn.unrecorded += MAX_UNRECORDED;
    await answer();
    turn.unrecorded -= MAX_UNRECORDED;
    // What was lined up was not; here there is no record to wait for.
    expect(log).toEqual(['sent 1', 'recorded 1', 'sent 2']);
    await answer();
    await answer();
    await ended;
  });

  it('is not given back as whole after a fault of ours, nor before what is on its way has ended', async () => {
    const { send, answer, turn, log } = line();
    let hasExited = false;
    const ended = send().finally(() => (hasExited = true));
    await settled();
    await answer();
    expect(hasExited).toBe(false);
    await answer(new TypeError('a fault'));
    expect(await ended).toContainEqual({ status: 'rejected', reason: new TypeError('a fault') });
    expect(turn.isBroken).toBe(true);
    expect(log).toEqual(['sent 1', 'sent 2', 'recorded 1']);
  });
});
