/** A worker is killed during a fan-out. Every attendee gets the message, and few get it twice. */
import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { MAX_IN_FLIGHT } from '../../src/mail/sending/mail-sender.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import { createDatabase } from '../support/database.js';
import { startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { sql } from '../support/sql.js';
import { startSmtp } from './smtp-fixture.js';

const ATTENDEES = 4_000;
const KILL_EVERY = 1_000;

it('reaches every attendee at least once, with one Message-ID, when workers are killed repeatedly', async () => {
  const database = await createDatabase();
  const smtp = await startSmtp();
  smtp.behaviour.set('stall', 'stall');
  smtp.behaviour.set('bad', 550);
  const env = { DATABASE_URL: database.url, SMTP_URL: smtp.url, MAIL_RETRY_DELAYS: '1h', SWEEP_INTERVAL: '200ms' };
  const target = { databaseUrl: database.url };
  const eventId = randomUUID();
  await sql(
    target,
    `INSERT INTO events (id, account_id, organizer_id, organizer_name, title, description, date, location, total_tickets,
        price_cents, currency)
      VALUES ($1, $2, $1, 'O', 'Concert', '', now() + interval '1 day', 'Hall', 1000000, 100, 'EUR')`,
    [eventId, OPEN_INSTALLATION],
  );
  await sql(
    target,
    `INSERT INTO bookings (id, account_id, event_id, event_title, customer_id, customer_name, customer_email, num_tickets,
        price_cents, currency, total_cents)
      SELECT gen_random_uuid(), $2, $1, 'Concert', gen_random_uuid(), 'C',
        CASE i WHEN 1 THEN 'stall' WHEN 2 THEN 'bad' ELSE 'person-' || i END || '@example.com', 1, 100, 'EUR', 100
      FROM generate_series(1, ${ATTENDEES}) i`,
    [eventId, OPEN_INSTALLATION],
  );
  await sql(
    target,
    `INSERT INTO mail_fan_outs (id, account_id, event_id, template, data, due_at)
      VALUES ($1, $2, $1, 'event-changed', $3, now())`,
    [
      eventId,
      OPEN_INSTALLATION,
      JSON.stringify({
        event: { title: 'Concert', date: '2027-01-01T00:00:00.000Z', location: 'Hall 2' },
        changes: [{ field: 'location', from: 'Hall', to: 'Hall 2' }],
      }),
    ],
  );
  let kills = 0;
  for (;;) {
    const daybook = await startDaybook({ env });
    const until = (kills + 1) * KILL_EVERY;
    if (until >= ATTENDEES - KILL_EVERY / 2) break;
    await eventually(() => smtp.received.length >= until, { everyMs: 2, timeoutMs: 60_000 });
    daybook.kill();
    await daybook.exited;
    kills++;
  }
  expect(kills).toBeGreaterThan(1);
  await eventually(() => smtp.addresses().length === ATTENDEES - 2, { timeoutMs: 60_000 });
  expect(smtp.received.length - (ATTENDEES - 2)).toBeLessThanOrEqual(kills * MAX_IN_FLIGHT);
  const idsOf = new Map<string, Set<string>>();
  for (const { to, messageId } of smtp.received) idsOf.set(to, (idsOf.get(to) ?? new Set()).add(messageId));
  expect([...idsOf.values()].filter((ids) => ids.size > 1)).toEqual([]);
  expect(new Set(smtp.received.map(({ messageId }) => messageId)).size).toBe(ATTENDEES - 2);
}, 240_000);
