import { once } from 'node:events';
import { createTransport } from 'nodemailer';
import { DataSource } from 'typeorm';
import { dataSourceOptions, migrate } from '../../src/app/data-source.js';
import { FanOutStore } from '../../src/mail/fan-outs/fan-out.store.js';
import { Outbox } from '../../src/mail/outbox.js';
import { OutboxStore } from '../../src/mail/outbox.store.js';
import { MailAttemptsStore } from '../../src/mail/sending/mail-attempts.store.js';
import { MailLeasesStore } from '../../src/mail/sending/mail-leases.store.js';
import { MailSender } from '../../src/mail/sending/mail-sender.js';
import { MailDispatcher } from '../../src/mail/sending/mail.dispatcher.js';
import { Templates } from '../../src/mail/templates/templates.js';
import { newId } from '../../src/platform/ids.js';
import { Database } from '../../src/platform/database/database.js';
import { Metrics } from '../../src/platform/observability/metrics.js';
import { PauseWatch } from '../../src/queue/pauses/pause-watch.js';
import { InProcessQueue } from '../../src/queue/in-process-queue.js';
import { EventAttendees } from '../../src/tickets/bookings/event-attendees.store.js';
import { forkProgram } from '../support/fork.js';
import { withDatabase } from '../support/servers.js';
import { median } from '../support/throughput.js';
import type { Measurement } from './measurement.js';

const MESSAGES = 5_000;
const ROUNDS = 3;
const WARM_UP_ROUNDS = 1;

/** As many as the outbox uses, and the default. The faster pool is the one to compare with. */
const POOLS = [10, 5];

const DATA = {
  event: { title: 'Concert', date: '2099-12-01T19:00:00.000Z', location: 'Hall 2' },
  changes: [{ field: 'location', from: 'Hall 1', to: 'Hall 2' }],
};
const EVENT_ID = newId();
const addressOf = (index: number): string => `person-${index}@example.com`;

/**
 * Throughput of mail about an event's change, from its one row to the last attendee, alternating with nodemailer's pool, which
 * sends the same messages to the same server.
 */
export async function mail(): Promise<Measurement[]> {
  const sink = forkProgram('smtp-sink.process');
  const [{ url }] = (await once(sink, 'message')) as [{ url: string }];
  try {
    return await withDatabase(({ url: databaseUrl }) => measure(url, databaseUrl));
  } finally {
    sink.kill('SIGKILL');
  }
}

async function measure(smtpUrl: string, databaseUrl: string): Promise<Measurement[]> {
  await migrate(databaseUrl);
  const dataSource = await new DataSource(dataSourceOptions(databaseUrl)).initialize();
  const database = new Database(dataSource, { DATABASE_PREPARE: true });
  const settings = {
    SMTP_URL: smtpUrl,
    SMTP_TIMEOUT: 10_000,
    MAIL_FROM: 'Events <events@daybook.example>',
    MAIL_RETRY_DELAYS: [],
    MAIL_CHANGE_DELAY: 0,
  };
  const templates = new Templates(settings);
  const sender = new MailSender(new MailAttemptsStore(database), templates, new Metrics(), settings);
  const fanOuts = new FanOutStore(database, new EventAttendees());
  const queue = new InProcessQueue();
  const pauses = new PauseWatch({ findAll: () => Promise.resolve([]) }, queue);
  const dispatcher = new MailDispatcher(new MailLeasesStore(database), fanOuts, sender, pauses);
  const outbox = new Outbox(new OutboxStore(settings), queue);
  await addAttendees(database);
  const drain = async (): Promise<number> => {
    const fanOut = { accountId: null, eventId: EVENT_ID, template: 'event-changed', data: DATA } as const;
    await database.inTransaction((query) => outbox.addFanOut(query, fanOut));
    const startMs = performance.now();
    while ((await pending(database)) > 0) await dispatcher.run();
    return (MESSAGES / (performance.now() - startMs)) * 1_000;
  };
  const ratios: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const alone = [];
    for (const connections of POOLS) alone.push(await pooled(smtpUrl, templates, connections));
    const perS = await drain();
    if (round < WARM_UP_ROUNDS) continue;
    rates.push(perS);
    ratios.push(perS / Math.max(...alone));
  }
  await dispatcher.stop();
  sender.onApplicationShutdown();
  await dataSource.destroy();
  const title = `Draining ${MESSAGES.toLocaleString('en')} messages about a change of an event, over nodemailer's own pool`;
  return [{ title, result: `${median(ratios).toFixed(2)} (${Math.round(median(rates))}/s)`, target: '≥ 0.8' }];
}

/** @returns The messages that are not sent, and the fan-outs that are not expanded. */
async function pending(database: Database): Promise<number> {
  const text = `SELECT (SELECT count(*) FROM mail_messages WHERE status = 'pending')::integer
    + (SELECT count(*) FROM mail_fan_outs WHERE expanded_at IS NULL)::integer AS count`;
  const [row] = await database.query<{ count: number }>({ name: 'bench_pending', text });
  return row!.count;
}

/** Adds an event with a booking of each address. */
async function addAttendees(database: Database): Promise<void> {
  const addEvent = `INSERT INTO events (id, account_id, organizer_id, organizer_name, title, description, date, location,
      total_tickets, price_cents, currency)
    VALUES ($1, $1, $1, 'O', 'Concert', '', '2099-12-01', 'Hall 2', 1000000, 100, 'EUR')`;
  const book = `INSERT INTO bookings (id, account_id, event_id, event_title, customer_id, customer_name, customer_email, num_tickets,
      price_cents, currency, total_cents)
    SELECT gen_random_uuid(), $1, $1, 'Concert', gen_random_uuid(), 'C', address, 1, 100, 'EUR', 100 FROM unnest($2::text[]) address`;
  await database.query({ name: '', text: addEvent }, [EVENT_ID]);
  const addresses = Array.from({ length: MESSAGES }, (_, index) => addressOf(index));
  await database.query({ name: '', text: book }, [EVENT_ID, addresses]);
  await database.query({ name: '', text: 'ANALYZE bookings' });
}

/** The rate of nodemailer's pool, given all messages at once. */
async function pooled(url: string, templates: Templates, maxConnections: number): Promise<number> {
  const transport = createTransport({ url, pool: true, maxConnections });
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: MESSAGES }, (_, index) =>
      transport.sendMail(
        templates.message({
          id: newId(),
          recipient: addressOf(index),
          createdAt: new Date(),
          template: 'event-changed',
          data: DATA,
        }),
      ),
    ),
  );
  const perS = (MESSAGES / (performance.now() - startMs)) * 1_000;
  transport.close();
  return perS;
}
