import { expect } from '@jest/globals';
import { Client } from 'pg';
import type { Daybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { expectNoGaps, expectReceivedInOrder, expectStrictOrder, laneHistory } from '../support/order-check.js';
import { startReceiver } from '../support/receiver.js';
import { submitAsync } from '../support/submit.js';

const COUNT = 1_000;

/** A lane runs its requests in order, without gaps, one at a time, with any number of workers. */
export async function expectOrderKept(api: Daybook): Promise<void> {
  const receiver = await startReceiver();
  const watch = watchProcessing(api.databaseUrl!);
  const acknowledgements = await submitAsync(api.url, COUNT, (index) => ({
    num_transactions: 20,
    report_name: `Order ${index}`,
    callback_url: `${receiver.url}/done`,
  }));
  expectNoGaps(acknowledgements);
  await eventually(() => receiver.received.length >= COUNT, { timeoutMs: 60_000 });
  const { looks, mostAtOnce } = await watch.stop();
  expectReceivedInOrder(receiver.received, COUNT);
  expectStrictOrder(await laneHistory(api.databaseUrl!, 'default'));
  expect(looks).toBeGreaterThan(10);
  expect(mostAtOnce).toBe(1);
}

/** Polls the lane; returns the highest number of its requests that were in PROCESSING at the same time. */
function watchProcessing(databaseUrl: string): { stop(): Promise<{ looks: number; mostAtOnce: number }> } {
  let isStopped = false;
  const watching = (async () => {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    let looks = 0;
    let mostAtOnce = 0;
    while (!isStopped) {
      const { rows } = await client.query<{ n: number }>(
        `SELECT count(*)::integer AS n FROM requests WHERE lane = 'default' AND status = 'PROCESSING'`,
      );
      mostAtOnce = Math.max(mostAtOnce, rows[0]!.n);
      looks++;
    }
    await client.end();
    return { looks, mostAtOnce };
  })();
  return {
    stop: () => {
      isStopped = true;
      return watching;
    },
  };
}
