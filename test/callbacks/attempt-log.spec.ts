/** A callback that is sent again and again keeps a row of each attempt, and a bounded number of bytes. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { KEPT_IN_FULL } from '../../src/callbacks/deliveries/callback-log.repository.js';
import type { DueDelivery } from '../../src/callbacks/leases/due-delivery.js';
import { LEASE_MS, Stores, attemptAt, batchOf, openStores } from '../support/stores.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

const TRIES = KEPT_IN_FULL + 30;
const DESTINATION = 'http://a.test';
const TARGET = { accountId: OPEN_INSTALLATION, destination: DESTINATION };

interface Row {
  number: number;
  status: number;
  hasHeaders: boolean;
  body: string | null;
}

describe('the log of a callback', () => {
  let one: Stores;
  let deliveries: DueDelivery[];

  beforeAll(async () => {
    one = await openStores();
    await one.accept('x', 2, { callbackUrl: `${DESTINATION}/` });
    const held = await one.lease();
    await one.jobs.complete(held, batchOf(await one.jobs.begin(held, 2), { release: true }), LEASE_MS);
    deliveries = await one.due().queues.read(TARGET, ['x'], 0, 9);
  });

  /** Records the attempt of this number of both deliveries; the second has had none before. */
  async function attempt(number: number): Promise<void> {
    const [first, second] = deliveries.map((delivery) => attemptAt({ ...delivery, attempts: number - 1 }));
    first!.outcome.trace.responseBody = `answer ${number}`;
    const again = { status: 'PENDING' as const, retryAtMs: performance.now() };
    await one.logs().record([{ ...first!, ...again }, ...(number === 1 ? [{ ...second!, ...again }] : [])]);
  }

  const rows = (delivery: DueDelivery): Promise<Row[]> =>
    one.sql<Row>(
      `SELECT attempt_number AS number, status_code AS status, request_headers IS NOT NULL AND response_headers IS NOT NULL
        AS "hasHeaders", response_body AS body FROM callback_logs WHERE request_id = $1 ORDER BY attempt_number`,
      [delivery.requestId],
    );

  it('has headers and body of the first attempt and of the newest 50, and a row of each', async () => {
    for (let number = 1; number <= TRIES; number++) await attempt(number);
    const isKept = (number: number) => number === 1 || number > TRIES - KEPT_IN_FULL;
    expect(await rows(deliveries[0]!)).toEqual(
      Array.from({ length: TRIES }, (_, index) => ({
        number: index + 1,
        status: 200,
        hasHeaders: isKept(index + 1),
        body: isKept(index + 1) ? `answer ${index + 1}` : null,
      })),
    );
    expect(await rows(deliveries[1]!)).toMatchObject([{ number: 1, hasHeaders: true }]);
  });
});
