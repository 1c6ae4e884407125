import { describe, expect, it } from '@jest/globals';
import type { DueDelivery } from '../leases/due-delivery.js';
import { DeliveryQueueRun, READ_AHEAD } from './delivery-queue-run.js';

function delivery(queuePosition: number, status: DueDelivery['request']['status'] = 'COMPLETED'): DueDelivery {
  const id = `delivery ${queuePosition}`;
  return { id, queuePosition, request: { status }, attempts: 0, unknown: 0 } as DueDelivery;
}

/** Sends all deliveries of a queue; `queue` contains those that were sent, too. @returns The positions in order. */
async function send(queue: DueDelivery[], onSent: (position: number) => void = () => undefined): Promise<number[]> {
  const read = (from: number) => Promise.resolve(queue.filter((one) => one.queuePosition >= from).slice(0, READ_AHEAD));
  const first = await read(0);
  const run = new DeliveryQueueRun(
    { read, start: () => Promise.resolve(true) },
    1,
    { id: first[0]!.id, number: 1 },
    first,
  );
  const sent: number[] = [];
  for (let next = await run.next(); next; next = await run.next()) {
    sent.push(next.queuePosition);
    onSent(next.queuePosition);
    run.recorded(next.id);
  }
  return sent;
}

describe('a delivery queue', () => {
  it('is sent in order, each delivery once, over several pages', async () => {
    const positions = Array.from({ length: 3 * READ_AHEAD + 5 }, (_, index) => index + 1);
    expect(await send(positions.map((position) => delivery(position)))).toEqual(positions);
  });

  it('includes deliveries of requests that finish after a later one was cancelled', async () => {
    const queue = [delivery(1), delivery(2), delivery(5, 'CANCELLED')];
    const generated = [3, 4, 6].map((position) => delivery(position));
    // They are inserted after the first page was read.
    const sent = await send(queue, () => {
      queue.push(...generated.splice(0));
      queue.sort((a, b) => a.queuePosition - b.queuePosition);
    });
    expect(sent.filter((position) => position !== 5)).toEqual([1, 2, 3, 4, 6]);
    expect(sent.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('ends when it contains only deliveries that were sent', async () => {
    const cancelled = Array.from({ length: 2 * READ_AHEAD }, (_, index) => delivery(index + 1, 'CANCELLED'));
    expect(await send(cancelled)).toHaveLength(READ_AHEAD);
  });
});
