import { describe, expect, it } from '@jest/globals';
import type { DueDelivery } from './due.store.js';
import { READ_AHEAD, StreamRun } from './stream-run.js';

function delivery(queuePosition: number, requestStatus: DueDelivery['requestStatus'] = 'COMPLETED'): DueDelivery {
  const id = `delivery ${queuePosition}`;
  return { id, queuePosition, requestStatus, attempts: 0, unknown: 0 } as DueDelivery;
}

/** Sends a stream to its end; `line` is all that stands in it, whatever was sent. Gives the positions in order. */
async function send(line: DueDelivery[], onSent: (position: number) => void = () => undefined): Promise<number[]> {
  const read = (from: number) => Promise.resolve(line.filter((one) => one.queuePosition >= from).slice(0, READ_AHEAD));
  const first = await read(0);
  const run = new StreamRun({ read, start: () => Promise.resolve(true) }, 1, { id: first[0]!.id, number: 1 }, first);
  const sent: number[] = [];
  for (let next = await run.next(); next; next = await run.next()) {
    sent.push(next.queuePosition);
    onSent(next.queuePosition);
    run.recorded(next.id);
  }
  return sent;
}

describe('a stream', () => {
  it('is sent in order, each once, however many pages it has', async () => {
    const positions = Array.from({ length: 3 * READ_AHEAD + 5 }, (_, index) => index + 1);
    expect(await send(positions.map((position) => delivery(position)))).toEqual(positions);
  });

  it('goes on with what is made behind a request that was cancelled before its turn', async () => {
    const line = [delivery(1), delivery(2), delivery(5, 'CANCELLED')];
    const made = [3, 4, 6].map((position) => delivery(position));
    // They come into line when the first page has been read.
    const sent = await send(line, () => {
      line.push(...made.splice(0));
      line.sort((a, b) => a.queuePosition - b.queuePosition);
    });
    expect(sent.filter((position) => position !== 5)).toEqual([1, 2, 3, 4, 6]);
    expect(sent.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('ends when there is nothing left in line but what was sent', async () => {
    const cancelled = Array.from({ length: 2 * READ_AHEAD }, (_, index) => delivery(index + 1, 'CANCELLED'));
    expect(await send(cancelled)).toHaveLength(READ_AHEAD);
  });
});
