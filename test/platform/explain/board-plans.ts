import { expect, it } from '@jest/globals';
import { CallbackDelivery } from '../../../src/callbacks/deliveries/callback-delivery.entity.js';
import { CallbackJobsRepository } from '../../../src/callbacks/deliveries/callback-jobs.repository.js';
import { MailJobsRepository } from '../../../src/mail/messages/mail-jobs.repository.js';
import { MailMessage } from '../../../src/mail/messages/mail-message.entity.js';
import { MOST_COUNTED } from '../../../src/platform/database/bounded-rows.js';
import { JOB_STATES } from '../../../src/queue/jobs/queue-jobs.js';
import { RequestJobsRepository } from '../../../src/requests/board/request-jobs.repository.js';
import { RequestRecord } from '../../../src/requests/request.entity.js';
import type { Explained } from './explained.js';

/** Pages of 8 KiB for a list, which reads up to 20,000 rows by an index, and for the counts of all states. */
const LIST_BLOCKS = 25_000;
const COUNTS_BLOCKS = 60_000;
const PAGE = 50;

/** Lists and counts of the queue board. A block is counted for each visit of a row, so these limits are of visits. */
export function boardPlans(explained: Explained): void {
  const repositories = {
    reports: () => new RequestJobsRepository(explained.dataSource.getRepository(RequestRecord)),
    callbacks: () => new CallbackJobsRepository(explained.dataSource.getRepository(CallbackDelivery)),
    mail: () => new MailJobsRepository(explained.dataSource.getRepository(MailMessage)),
  };

  it.each(['reports', 'callbacks', 'mail'] as const)('listing and counting jobs of %s', async (queue) => {
    const jobs = repositories[queue]();
    for (const state of JOB_STATES)
      if (queue !== 'reports' || state !== 'delayed')
        await explained.expectCheap(async () => {
          expect((await jobs.ids(state, 0, PAGE)).length).toBeLessThanOrEqual(PAGE);
          await jobs.ids(state, MOST_COUNTED - PAGE, PAGE);
        }, LIST_BLOCKS);
    await explained.expectCheap(async () => {
      const counts = await jobs.counts();
      expect(Object.values(counts).filter((count) => count > MOST_COUNTED)).toEqual([]);
    }, COUNTS_BLOCKS);
  });

  it('reading a page of jobs', () =>
    explained.expectCheap(async () => {
      const { reports, callbacks } = repositories;
      expect(await reports().read(await reports().ids('completed', 0, PAGE))).toHaveLength(PAGE);
      expect(await callbacks().read(await callbacks().ids('completed', 0, PAGE))).toHaveLength(PAGE);
    }, LIST_BLOCKS));
}
