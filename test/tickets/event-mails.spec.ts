/**
 * The attendees of an event get one mail about a change, at the address that they booked with. Customers without a
 * confirmed booking get none. No mail about a change follows the one about the cancelled event.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Reply, send } from '../support/client.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { sql } from '../support/sql.js';
import { UNLIMITED } from '../support/submit.js';
import { type SmtpFixture, startSmtp } from '../mail/smtp-fixture.js';
import { EVENT, type TestUser, booked, cancel, mailTo, publish, register } from './tickets-fixture.js';

let smtp: SmtpFixture;
let daybook: Daybook;
let organizer: TestUser;
beforeAll(async () => {
  smtp = await startSmtp();
  // Changes wait until a test calls `letGo`.
  const env = { SMTP_URL: smtp.url, MAIL_CHANGE_DELAY: '1h', MAIL_RETRY_DELAYS: '1h', SWEEP_INTERVAL: '200ms' };
  daybook = await startDaybook({ env: { ...UNLIMITED, ...env } });
  organizer = await register(daybook, 'organizer', 'Olga');
});

const newCustomer = (): Promise<TestUser> => register(daybook, 'customer');

async function change(id: string, body: object): Promise<void> {
  const reply = await send(daybook, 'PATCH', `/api/events/${id}`, { body, headers: organizer.headers });
  expect([reply.status, reply.text]).toEqual([200, reply.text]);
}
const remove = (id: string): Promise<Reply> =>
  send(daybook, 'DELETE', `/api/events/${id}`, { headers: organizer.headers });

/** Ends the delay of changes. */
const letGo = (): Promise<unknown> => sql(daybook, 'UPDATE mail_fan_outs SET due_at = now() WHERE started_at IS NULL');

/** Waits until every fan-out of an event is expanded. */
const expanded = (eventId: string): Promise<unknown> =>
  eventually(async () => {
    const text = 'SELECT expanded_at IS NOT NULL AS "isDone" FROM mail_fan_outs WHERE event_id = $1';
    const rows = await sql<{ isDone: boolean }>(daybook, text, [eventId]);
    return rows.length > 0 && rows.every(({ isDone }) => isDone);
  });

/** The subjects of the messages that an address has received, in order. */
const receivedBy = ({ email }: TestUser): string[] =>
  smtp.received.filter(({ to }) => to === email).map(({ raw }) => /^Subject: ([^:]*)/m.exec(raw)![1]!);

/** Waits until a customer has received this number of messages. */
const received = (customer: TestUser, ...subjects: string[]): Promise<unknown> =>
  eventually(() => expect(receivedBy(customer)).toEqual(subjects));

describe('a change', () => {
  it('is one mail to each address, also with several bookings', async () => {
    const event = await publish(daybook, organizer);
    const [one, two] = [await newCustomer(), await newCustomer()];
    for (const customer of [one, one, two]) await booked(daybook, customer, event.id);
    await change(event.id, { location: 'Hall 2' });
    await change(event.id, { title: 'Blues' });
    await letGo();
    await received(one, 'Booking confirmed', 'Booking confirmed', 'Event changed');
    await received(two, 'Booking confirmed', 'Event changed');
    const { raw } = smtp.received.find(({ to, raw: text }) => to === two.email && text.includes('Event changed'))!;
    expect(raw).toContain(`location: Hall 2 (before: ${EVENT.location})`);
    expect(raw).toContain(`title: Blues (before: ${EVENT.title})`);
  });

  it('is not mailed to a customer who has cancelled, nor to one who books after it', async () => {
    const event = await publish(daybook, organizer);
    const [stays, leaves, late] = [await newCustomer(), await newCustomer(), await newCustomer()];
    await booked(daybook, stays, event.id);
    const { id } = await booked(daybook, leaves, event.id);
    await change(event.id, { location: 'Hall 2' });
    await cancel(daybook, leaves, id);
    await booked(daybook, late, event.id);
    await letGo();
    await expanded(event.id);
    expect(await mailTo(daybook, stays.email)).toEqual(['booking-confirmed', 'event-changed']);
    expect(await mailTo(daybook, leaves.email)).toEqual(['booking-confirmed', 'booking-cancelled']);
    expect(await mailTo(daybook, late.email)).toEqual(['booking-confirmed']);
  });

  it('that is undone within the delay is not mailed', async () => {
    const event = await publish(daybook, organizer);
    await booked(daybook, await newCustomer(), event.id);
    await change(event.id, { location: 'Hall 2', price_cents: 1 });
    await change(event.id, { location: EVENT.location });
    await change(event.id, { price_cents: EVENT.price_cents });
    expect(await sql(daybook, 'SELECT FROM mail_fan_outs WHERE event_id = $1', [event.id])).toEqual([]);
  });
});

describe('deleting an event', () => {
  it('is mailed once to each customer with a confirmed booking, and to no other', async () => {
    const event = await publish(daybook, organizer);
    const [stays, leaves] = [await newCustomer(), await newCustomer()];
    for (const customer of [stays, stays]) await booked(daybook, customer, event.id);
    const { id } = await booked(daybook, leaves, event.id);
    await cancel(daybook, leaves, id);
    await remove(event.id);
    await received(stays, 'Booking confirmed', 'Booking confirmed', 'Event cancelled');
    expect(await mailTo(daybook, leaves.email)).toEqual(['booking-confirmed', 'booking-cancelled']);
  });

  it('drops a change that waits', async () => {
    const event = await publish(daybook, organizer);
    const customer = await newCustomer();
    await booked(daybook, customer, event.id);
    await change(event.id, { location: 'Hall 2' });
    await remove(event.id);
    await letGo();
    await received(customer, 'Booking confirmed', 'Event cancelled');
    expect(await mailTo(daybook, customer.email)).toEqual(['booking-confirmed', 'event-cancelled']);
  });

  it('drops the messages of a change that are not sent yet', async () => {
    const event = await publish(daybook, organizer);
    const customers = await Promise.all(Array.from({ length: 5 }, newCustomer));
    for (const customer of customers) await booked(daybook, customer, event.id);
    for (const customer of customers) await received(customer, 'Booking confirmed');
    // Messages of the change are retried in an hour, and a crashed worker had claimed one.
    for (const { email } of customers) smtp.behaviour.set(email.split('@')[0]!, 451);
    await change(event.id, { location: 'Hall 2' });
    await letGo();
    const text = `SELECT count(*)::integer AS count FROM mail_messages m JOIN mail_fan_outs f ON f.id = m.fan_out_id
      WHERE f.event_id = $1 AND attempts = 1`;
    await eventually(async () => expect(await sql(daybook, text, [event.id])).toEqual([{ count: 5 }]));
    smtp.behaviour.clear();
    await sql(
      daybook,
      `UPDATE mail_messages SET leased_by = 'another host', next_attempt_at = now() + interval '3 s' WHERE recipient = $1
        AND template = 'event-changed'`,
      [customers[0]!.email],
    );
    await remove(event.id);
    for (const customer of customers) await received(customer, 'Booking confirmed', 'Event cancelled');
    const open = `SELECT FROM mail_messages WHERE template = 'event-changed' AND status = 'pending'`;
    await eventually(async () => expect(await sql(daybook, open)).toEqual([]));
    for (const customer of customers) await received(customer, 'Booking confirmed', 'Event cancelled');
  });
});
