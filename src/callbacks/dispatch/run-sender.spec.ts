import { describe, expect, it } from '@jest/globals';
import type { Breakers } from '../destinations/breakers.js';
import type { CallbacksService, EndedAttempt } from './callbacks.service.js';
import type { DueDelivery } from '../leases/due-delivery.js';
import { MAX_UNRECORDED, RunSender } from './run-sender.js';
import { OPEN_INSTALLATION } from '../../platform/tenant.js';

const FAILED = { event: 'failure', isGone: false, status: 'PENDING', retryAtMs: 9 } as EndedAttempt;
const TAKEN = { event: 'success', isGone: false, status: 'SUCCESS', retryAtMs: null } as EndedAttempt;

/** Resolves when everything that can continue has continued. */
async function settled(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** Deliveries of a queue, a receiver that answers on demand, and a store that records on demand. */
function queue(count = 3, areKeysCached = true, isProbeAnswered = true) {
  const may = { isOurs: true, isClosed: true, record: true, probe: false, isLongFailing: false };
  const log: string[] = [];
  const waiting = Array.from({ length: count }, (_, n) => ({ id: String(n + 1), isDisabled: false }) as DueDelivery);
  const unwritten: (() => void)[] = [];
  let readKeys: () => void = () => undefined;
  const keys = areKeysCached ? Promise.resolve() : new Promise<void>((resolve) => (readKeys = resolve));
  const reports: string[] = [];
  let answerProbe: () => void = () => undefined;
  const asked = isProbeAnswered ? Promise.resolve() : new Promise<void>((resolve) => (answerProbe = resolve));
  let answer: (outcome: EndedAttempt | Error) => void = () => undefined;
  const callbacks = {
    /** Resolves when the keys are read. */
    signerOf: () => keys.then(() => ({ account: 'open', signatures: () => '' })),
    attempt: ({ id }: DueDelivery): Promise<EndedAttempt> => {
      log.push(`sent ${id}`);
      return new Promise((resolve, reject) => {
        answer = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve({ ...outcome, deliveryId: id }));
      });
    },
    record: async ({ deliveryId }: EndedAttempt): Promise<void> => {
      if (!may.record) await new Promise<void>((resolve) => unwritten.push(resolve));
      log.push(`recorded ${deliveryId}`);
    },
  };
  const breakers = {
    isClosed: () => may.isClosed,
    mayProbe: async () => {
      await asked;
      return may.probe;
    },
    isLongFailing: () => may.isLongFailing,
    report: (_: unknown, event: string) => void reports.push(event),
  };
  const run = {
    target: { accountId: OPEN_INSTALLATION, destination: 'http://receiver.test' },
    senders: 1,
    source: { next: () => Promise.resolve(waiting.shift() ?? null), recorded: () => undefined },
  };
  const sender = new RunSender(run, callbacks as unknown as CallbacksService, breakers as unknown as Breakers, {
    isStrict: false,
    mayContinue: () => may.isOurs,
    onRetry: () => undefined,
  });
  return {
    may,
    log,
    sender,
    waiting,
    send: () => sender.send(),
    readKeys: () => readKeys(),
    reports,
    answerProbe: () => answerProbe(),
    /** Answers the attempt in flight. */
    answer: async (outcome: EndedAttempt | Error = TAKEN): Promise<void> => {
      answer(outcome);
      await settled();
    },
    /** Records everything that waits for the store. */
    record: async (): Promise<void> => {
      may.record = true;
      for (const write of unwritten.splice(0)) write();
      await settled();
    },
  };
}

describe('a delivery queue', () => {
  it('is sent to its end, each attempt after the one before was answered, and recorded', async () => {
    const { send, answer, log } = queue();
    const ended = send();
    await settled();
    for (let n = 1; n <= 3; n++) {
      expect(log.filter((entry) => entry.startsWith('sent'))).toHaveLength(n);
      await answer();
    }
    await ended;
    expect(log).toEqual(['sent 1', 'recorded 1', 'sent 2', 'recorded 2', 'sent 3', 'recorded 3']);
  });

  it('is not sent when its lease is lost while the signing keys are read', async () => {
    const { may, log, sender, send, readKeys } = queue(3, false);
    const sending = send();
    await settled();
    may.isOurs = false;
    readKeys();
    await sending;
    expect([log, sender.unsent.map(({ id }) => id)]).toEqual([[], ['1']]);
  });

  it('is not sent when its lease is lost while a probe is asked for, and the probe counts as failed', async () => {
    const { may, log, sender, send, answerProbe, reports } = queue(3, true, false);
    Object.assign(may, { isClosed: false, probe: true });
    const sending = send();
    await settled();
    may.isOurs = false;
    answerProbe();
    await sending;
    expect([log, sender.unsent.map(({ id }) => id), reports]).toEqual([[], ['1'], ['failure']]);
  });

  it('does not wait for the record of an attempt before it sends the next, but before it ends', async () => {
    const { may, send, answer, record, log } = queue();
    may.record = false;
    let hasEnded = false;
    const ended = send().finally(() => (hasEnded = true));
    await settled();
    for (let n = 1; n <= 3; n++) await answer();
    expect([log, hasEnded]).toEqual([['sent 1', 'sent 2', 'sent 3'], false]);
    await record();
    await ended;
    expect(log.slice(3)).toEqual(['recorded 1', 'recorded 2', 'recorded 3']);
  });

  it.each([
    ['its lease is lost', { isOurs: false }],
    ['the breaker has opened', { isClosed: false }],
  ])('stops when %s, and loses no delivery', async (_, change) => {
    const { send, answer, log, may, waiting, sender } = queue();
    const ended = send();
    await settled();
    Object.assign(may, change);
    await answer();
    await ended;
    expect(log).toEqual(['sent 1', 'recorded 1']);
    expect([...sender.unsent, ...waiting].map(({ id }) => id)).toEqual(['2', '3']);
  });

  it.each([
    ['one callback', false, ['1'], ['2', '3']],
    ['all that its time slice lasts for, when the destination has failed for long', true, ['1', '2', '3'], []],
  ])('that is a probe sends %s', async (_, isLongFailing, sent, left) => {
    const { send, answer, log, may, waiting, sender } = queue();
    Object.assign(may, { isClosed: false, probe: true, isLongFailing });
    const ended = send();
    await settled();
    for (let n = 0; n < sent.length; n++) await answer(FAILED);
    await ended;
    expect(log.flatMap((entry) => /sent (.*)/.exec(entry)?.[1] ?? [])).toEqual(sent);
    expect([...sender.unsent, ...waiting].map(({ id }) => id)).toEqual(left);
  });

  it('waits for the oldest record when too many are missing', async () => {
    const { may, send, answer, record, log, waiting } = queue(MAX_UNRECORDED + 1);
    may.record = false;
    const ended = send();
    await settled();
    for (let n = 1; n <= MAX_UNRECORDED; n++) await answer();
    expect([log.length, waiting.length]).toEqual([MAX_UNRECORDED, 1]);
    await record();
    expect(log.at(-1)).toBe(`sent ${MAX_UNRECORDED + 1}`);
    await answer();
    await ended;
  });

  it('is not given back as complete after a fault of our own', async () => {
    const { send, answer, sender, log } = queue();
    const ended = send();
    await settled();
    await answer();
    await answer(new TypeError('a fault'));
    expect(await ended).toContainEqual({ status: 'rejected', reason: new TypeError('a fault') });
    expect(sender.isBroken).toBe(true);
    expect(log).toEqual(['sent 1', 'recorded 1', 'sent 2']);
  });
});
