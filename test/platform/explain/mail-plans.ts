import { expect, it } from '@jest/globals';
import { NIL } from 'uuid';
import { FanOutStore } from '../../../src/mail/fan-outs/fan-out.store.js';
import { MailFanOut } from '../../../src/mail/fan-outs/mail-fan-out.entity.js';
import { MailAttempt } from '../../../src/mail/messages/mail-attempt.entity.js';
import { MailMessage } from '../../../src/mail/messages/mail-message.entity.js';
import { MailRetentionStore } from '../../../src/mail/messages/mail-retention.store.js';
import { MailRepository } from '../../../src/mail/messages/mail.repository.js';
import { MailAttemptsStore } from '../../../src/mail/sending/mail-attempts.store.js';
import type { ClaimedMail, EndedAttempt } from '../../../src/mail/sending/claimed-mail.js';
import { MailLeasesStore } from '../../../src/mail/sending/mail-leases.store.js';
import { EventAttendees } from '../../../src/tickets/bookings/event-attendees.store.js';
import type { Explained } from './explained.js';
import { CANCELLATION, CHANGE_MAIL } from './mail-rows.js';
import { SOME_ID } from './rows.js';

/** Messages of one claim; each write touches all their indexes. */
const BATCH = 64;
/** Messages of one statement that drops them. */
const DROPPED = 1_000;

const ended = ({ id }: ClaimedMail, index: number): EndedAttempt => ({
  messageId: id,
  number: 1,
  outcome: index % 2 === 0 ? 'sent' : 'retried',
  smtpCode: 250,
  detail: '250 OK',
  durationMs: 1,
  retryInMs: index % 2 === 0 ? null : 60_000,
});

/** Claiming, recording and listing mail. */
export function mailPlans(explained: Explained): void {
  it('claiming messages, recording their attempts', () =>
    explained.expectCheap(async () => {
      const leases = new MailLeasesStore(explained.database);
      const heads = await leases.heads(NIL, 256);
      expect(heads).toHaveLength(101);
      const queues = heads.slice(0, BATCH).map(({ queue }) => queue);
      const claimed = await leases.claim(queues, 1, 30_000);
      expect(claimed).toHaveLength(BATCH);
      const ids = claimed.map(({ id }) => id);
      expect((await leases.renew(ids, 30_000)).size).toBe(BATCH);
      await leases.workersOnThisHost();
      await new MailAttemptsStore(explained.database).record(claimed.slice(0, BATCH / 2).map(ended));
      await leases.release(ids.slice(BATCH / 2));
    }));

  const filters = [{}, { status: 'failed' as const }, { to: 'Person-7@example.com' }, { beforeId: SOME_ID }];
  it.each(filters)('listing mail by %j', (filter) =>
    explained.expectCheap(() => {
      const { dataSource } = explained;
      const mails = new MailRepository(
        dataSource.getRepository(MailMessage),
        dataSource.getRepository(MailFanOut),
        dataSource.getRepository(MailAttempt),
      );
      return mails.list({ ...filter, limit: 51 });
    }),
  );

  it('dropping the messages about changes of a cancelled event, and expanding its cancellation', () =>
    explained.expectCheap(async () => {
      const fanOuts = new FanOutStore(explained.database, new EventAttendees());
      const cancellation = { id: CANCELLATION, template: 'event-cancelled' } as const;
      for (let left = CHANGE_MAIL; left > 0; left -= DROPPED)
        expect(await fanOuts.dropChanges(cancellation, DROPPED)).toEqual({ dropped: DROPPED, isSending: false });
      expect(await fanOuts.dropChanges(cancellation, DROPPED)).toEqual({ dropped: 0, isSending: false });
      await fanOuts.start();
      await fanOuts.nextDueInMs();
      expect(await fanOuts.expandPart(cancellation)).toBe(false);
    }, 20_000));

  it('deleting old mail', () =>
    explained.expectCheap(async () => {
      const retention = new MailRetentionStore(explained.database);
      expect(await retention.removeMessages(3_600_000, BATCH)).toBe(BATCH);
      await retention.removeFanOuts(3_600_000, BATCH);
    }));
}
