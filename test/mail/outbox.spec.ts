/** The outbox is written in the business transaction. It sends one message to each address and combines changes. */
import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { EVENT, type MailWorker, confirmed, moved, startMail } from './mail-fixture.js';
import { type SmtpFixture, startSmtp } from './smtp-fixture.js';

let smtp: SmtpFixture;
let mail: MailWorker;

beforeAll(async () => {
  smtp = await startSmtp();
  mail = await startMail({ SMTP_URL: smtp.url, MAIL_CHANGE_DELAY: 700 });
});

beforeEach(() => void (smtp.received.length = 0));

const cancelled = (eventId: string) =>
  ({ accountId: null, eventId, template: 'event-cancelled', data: { event: EVENT } }) as const;

/** Waits until all mail of an event is sent, and returns it. */
async function sentOf(eventId: string): Promise<string[]> {
  await eventually(async () => {
    const [row] = await mail.rows<{ open: number }>(
      `SELECT count(*)::integer AS open FROM mail_fan_outs f LEFT JOIN mail_messages m ON m.fan_out_id = f.id
        WHERE f.event_id = $1 AND (f.expanded_at IS NULL OR m.status = 'pending')`,
      [eventId],
    );
    return row!.open === 0;
  });
  return smtp.received.map(({ raw }) => raw);
}

it('is rolled back with its transaction', async () => {
  await expect(
    mail.database.inTransaction(async (query) => {
      await mail.outbox.add(query, [confirmed('undone@example.com')]);
      throw new Error('undone');
    }),
  ).rejects.toThrow('undone');
  expect(await mail.rows(`SELECT FROM mail_messages WHERE recipient = 'undone@example.com'`)).toEqual([]);
});

describe('a fan-out', () => {
  it('sends one message to each address, regardless of case', async () => {
    const eventId = randomUUID();
    await mail.attend(eventId, 'a@example.com', 'A@example.com', 'b@example.com', 'b@example.com', 'c@example.com');
    await mail.addFanOut(cancelled(eventId));
    await sentOf(eventId);
    expect(smtp.received.map(({ to }) => to).toSorted()).toEqual(['a@example.com', 'b@example.com', 'c@example.com']);
    const rows = await mail.rows<{ id: string }>('SELECT id FROM mail_messages WHERE fan_out_id IS NOT NULL');
    for (const { id } of rows) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab]/);
  });

  it('is expanded in parts by several workers, each address once', async () => {
    const eventId = randomUUID();
    const other = await startMail({}, mail.url);
    await mail.rows(
      `INSERT INTO test_attendees SELECT $1, 'many' || i || '@example.com' FROM generate_series(1, 45000) i`,
      [eventId],
    );
    await other.database.inTransaction((query) => other.outbox.addFanOut(query, cancelled(eventId)));
    await Promise.all([other.dispatcher.run(), other.dispatcher.sweep()]);
    await eventually(async () => {
      const rows = await other.rows('SELECT FROM mail_fan_outs WHERE event_id = $1 AND expanded_at IS NOT NULL', [
        eventId,
      ]);
      return rows.length === 1;
    });
    const [row] = await other.rows(
      `SELECT count(*)::integer AS messages, count(DISTINCT recipient)::integer AS addresses FROM mail_messages m
        JOIN mail_fan_outs f ON f.id = m.fan_out_id WHERE f.event_id = $1`,
      [eventId],
    );
    expect(row).toEqual({ messages: 45_000, addresses: 45_000 });
    await other.stop();
  });

  it('continues after a crash', async () => {
    const eventId = randomUUID();
    await mail.attend(eventId, 'm1@example.com', 'm2@example.com', 'm3@example.com');
    // The first address has its message, and the worker has crashed.
    await mail.rows(
      `WITH f AS (INSERT INTO mail_fan_outs (id, account_id, event_id, template, data, due_at, started_at, last_address)
          VALUES ($1, $1, $1, 'event-cancelled', $2, now(), now(), 'm1@example.com'))
        INSERT INTO mail_messages (id, account_id, queue, fan_out_id, recipient, template)
        VALUES (gen_random_uuid(), $1, $1, $1, 'm2@example.com', 'event-cancelled')`,
      [eventId, JSON.stringify({ event: EVENT })],
    );
    mail.outbox.wake();
    await sentOf(eventId);
    expect(smtp.received.map(({ to }) => to).toSorted()).toEqual(['m2@example.com', 'm3@example.com']);
  });
});

describe('changes of an event', () => {
  it('in quick succession are one message that lists all of them', async () => {
    const eventId = randomUUID();
    await mail.attend(eventId, 'quick@example.com');
    await mail.addFanOut(moved(eventId, 'Hall 1', 'Hall 2'));
    await mail.addFanOut(moved(eventId, 'Hall 2', 'Hall 3'));
    await mail.addFanOut({
      accountId: null,
      eventId,
      template: 'event-changed',
      data: { event: { ...EVENT, title: 'Opera' }, changes: [{ field: 'title', from: 'Concert', to: 'Opera' }] },
    });
    const sent = await sentOf(eventId);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('location: Hall 3 (before: Hall 1)');
    expect(sent[0]).toContain('title: Opera (before: Concert)');
  });

  it('that are undone send nothing', async () => {
    const eventId = randomUUID();
    await mail.attend(eventId, 'undone@example.com');
    await mail.addFanOut(moved(eventId, 'Hall 1', 'Hall 2'));
    await mail.addFanOut(moved(eventId, 'Hall 2', 'Hall 1'));
    expect(await mail.rows('SELECT FROM mail_fan_outs WHERE event_id = $1', [eventId])).toEqual([]);
  });

  it('without a changed field send nothing', async () => {
    const eventId = randomUUID();
    await mail.addFanOut(moved(eventId, 'Hall 1', 'Hall 1'));
    expect(await mail.rows('SELECT FROM mail_fan_outs WHERE event_id = $1', [eventId])).toEqual([]);
  });

  it('are two messages when the first one is being sent', async () => {
    const eventId = randomUUID();
    await mail.attend(eventId, 'slow@example.com');
    await mail.addFanOut(moved(eventId, 'Hall 1', 'Hall 2'));
    await sentOf(eventId);
    await mail.addFanOut(moved(eventId, 'Hall 2', 'Hall 3'));
    expect(await sentOf(eventId)).toHaveLength(2);
  });

  it('are dropped when the event is cancelled', async () => {
    const eventId = randomUUID();
    await mail.attend(eventId, 'off@example.com');
    await mail.addFanOut(moved(eventId, 'Hall 1', 'Hall 2'));
    await mail.addFanOut(cancelled(eventId));
    const sent = await sentOf(eventId);
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('Subject: Event cancelled');
  });
});
