import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/app/data-source.js';
import { Attendees } from '../../src/mail/attendees.js';
import { FanOutStore } from '../../src/mail/fan-outs/fan-out.store.js';
import type { NewFanOut, NewMail } from '../../src/mail/new-mail.js';
import { Outbox } from '../../src/mail/outbox.js';
import { OutboxStore } from '../../src/mail/outbox.store.js';
import { MailAttemptsStore } from '../../src/mail/sending/mail-attempts.store.js';
import { MailLeasesStore } from '../../src/mail/sending/mail-leases.store.js';
import { MailSender } from '../../src/mail/sending/mail-sender.js';
import { MailDispatcher } from '../../src/mail/sending/mail.dispatcher.js';
import { Templates } from '../../src/mail/templates/templates.js';
import { Database } from '../../src/platform/database/database.js';
import { Metrics } from '../../src/platform/observability/metrics.js';
import { PauseWatch } from '../../src/queue/pauses/pause-watch.js';
import { QueuePause } from '../../src/queue/pauses/queue-pause.entity.js';
import { QueuePausesRepository } from '../../src/queue/pauses/queue-pauses.repository.js';
import { InProcessQueue } from '../../src/queue/in-process-queue.js';
import { DATABASE_SETTINGS, createDatabase } from '../support/database.js';

/** The attendees of the test, in a separate table. */
class TestAttendees extends Attendees {
  addresses(): string {
    return 'SELECT a.address FROM fan_out f JOIN test_attendees a ON a.event_id = f.event_id';
  }
}

export interface MailSettings {
  SMTP_URL?: string;
  MAIL_FROM: string;
  SMTP_TIMEOUT: number;
  MAIL_RETRY_DELAYS: number[];
  MAIL_CHANGE_DELAY: number;
}

const SETTINGS: MailSettings = {
  MAIL_FROM: 'Events <events@daybook.example>',
  SMTP_TIMEOUT: 10_000,
  MAIL_RETRY_DELAYS: [50, 50, 50],
  MAIL_CHANGE_DELAY: 0,
};

/** A process that works on the outbox, without HTTP. */
export interface MailWorker {
  outbox: Outbox;
  dispatcher: MailDispatcher;
  database: Database;
  url: string;
  add(...messages: NewMail[]): Promise<void>;
  addFanOut(fanOut: NewFanOut): Promise<void>;
  attend(eventId: string, ...addresses: string[]): Promise<void>;
  rows<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.toReversed()) await close();
});

/** @param url Of the database of another worker. Default a new one. */
export async function startMail(given: Partial<MailSettings> = {}, url?: string): Promise<MailWorker> {
  const settings = { ...SETTINGS, ...given };
  const created = url === undefined ? await createDatabase() : null;
  if (created) closers.push(created.drop);
  const databaseUrl = url ?? created!.url;
  const dataSource = await new DataSource(dataSourceOptions(databaseUrl)).initialize();
  const database = new Database(dataSource, DATABASE_SETTINGS);
  const rows: MailWorker['rows'] = (text, values = []) => database.query({ name: '', text }, values);
  await rows('CREATE TABLE IF NOT EXISTS test_attendees (event_id uuid, address text)');
  const queue = new InProcessQueue();
  const outbox = new Outbox(new OutboxStore(settings), queue);
  const sender = new MailSender(new MailAttemptsStore(database), new Templates(settings), new Metrics(), settings);
  const leases = new MailLeasesStore(database);
  const pauses = new PauseWatch(new QueuePausesRepository(dataSource.getRepository(QueuePause)), queue);
  pauses.start();
  const dispatcher = new MailDispatcher(leases, new FanOutStore(database, new TestAttendees()), sender, pauses);
  queue.consume('mail', () => dispatcher.run());
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopping ??= end());
  const end = async (): Promise<void> => {
    await Promise.all([pauses.stop(), dispatcher.stop()]);
    sender.onApplicationShutdown();
    await dataSource.destroy();
  };
  closers.push(stop);
  return {
    outbox,
    dispatcher,
    database,
    url: databaseUrl,
    rows,
    stop,
    add: async (...messages) => {
      await database.inTransaction((query) => outbox.add(query, messages));
      outbox.wake();
    },
    addFanOut: async (fanOut) => {
      await database.inTransaction((query) => outbox.addFanOut(query, fanOut));
      outbox.wake();
    },
    attend: async (eventId, ...addresses) => {
      await rows('INSERT INTO test_attendees SELECT $1, unnest($2::text[])', [eventId, addresses]);
    },
  };
}

export const EVENT = { title: 'Concert', date: '2026-12-01T19:00:00.000Z', location: 'Hall 1' };

/** A message to an address. */
export const confirmed = (to: string): NewMail => ({
  accountId: null,
  to,
  template: 'booking-confirmed',
  data: { event: EVENT, num_tickets: 2, total: '25.00 EUR' },
});

/** A change of an event's location. */
export const moved = (eventId: string, from: string, to: string): NewFanOut => ({
  accountId: null,
  eventId,
  template: 'event-changed',
  data: { event: { ...EVENT, location: to }, changes: [{ field: 'location', from, to }] },
});
