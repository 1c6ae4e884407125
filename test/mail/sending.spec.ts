/** Messages to a real mail server that accepts, refuses, stalls, drops the connection or greets late. */
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { type MailWorker, confirmed, startMail } from './mail-fixture.js';
import { type SmtpFixture, startSmtp } from './smtp-fixture.js';

interface Row {
  status: string;
  attempts: number;
  error: string | null;
  id: string;
}

let smtp: SmtpFixture;
let mail: MailWorker;

beforeAll(async () => {
  smtp = await startSmtp();
  mail = await startMail({ SMTP_URL: smtp.url, SMTP_TIMEOUT: 1_500, MAIL_RETRY_DELAYS: [500, 500, 500] });
});

beforeEach(() => {
  smtp.received.length = smtp.tried.length = 0;
  smtp.behaviour.clear();
});

async function of(to: string): Promise<Row> {
  const [row] = await mail.rows<Row>('SELECT * FROM mail_messages WHERE recipient = $1', [to]);
  return row!;
}

const until = (to: string, status: string): Promise<Row> =>
  eventually(async () => {
    const row = await of(to);
    return row.status === status && row;
  });

async function attemptsOf({ id }: Row): Promise<object[]> {
  return mail.rows('SELECT number, outcome, smtp_code FROM mail_attempts WHERE message_id = $1 ORDER BY number', [id]);
}

describe('a message', () => {
  it('is sent as text and HTML, with a Message-ID derived from its id', async () => {
    await mail.add(confirmed('ada@example.com'));
    const sent = await until('ada@example.com', 'sent');
    expect(await attemptsOf(sent)).toEqual([{ number: 1, outcome: 'sent', smtp_code: 250 }]);
    const [{ raw, messageId } = { raw: '', messageId: '' }] = smtp.received;
    expect(messageId).toBe(`<${sent.id}@daybook.example>`);
    expect(raw).toMatch(/^From: Events <events@daybook\.example>/m);
    expect(raw).toMatch(/^To: ada@example\.com/m);
    expect(raw).toMatch(/^Subject: Booking confirmed: Concert/m);
    expect(raw).toMatch(/^Content-Type: text\/plain/m);
    expect(raw).toMatch(/^Content-Type: text\/html/m);
    expect(raw).toContain('2026-12-01 19:00 UTC');
  });

  it('is sent once, even if many workers wake up', async () => {
    const other = await startMail({ SMTP_URL: smtp.url }, mail.url);
    const addresses = Array.from({ length: 200 }, (_, index) => `once-${index}@example.com`);
    await mail.add(...addresses.map(confirmed));
    await Promise.all([mail.dispatcher.run(), other.dispatcher.run()]);
    await eventually(() => expect(smtp.addresses()).toEqual(addresses.toSorted()));
    await other.stop();
    expect(smtp.received).toHaveLength(200);
  });

  it('is retried on schedule after 4xx, with the same Message-ID', async () => {
    smtp.behaviour.set('busy', 451);
    await mail.add(confirmed('busy@example.com'));
    await eventually(async () => (await of('busy@example.com')).attempts === 2);
    smtp.behaviour.clear();
    const sent = await until('busy@example.com', 'sent');
    const attempts = await attemptsOf(sent);
    expect(attempts.slice(0, 2)).toEqual([
      { number: 1, outcome: 'retried', smtp_code: 451 },
      { number: 2, outcome: 'retried', smtp_code: 451 },
    ]);
    expect(attempts.at(-1)).toMatchObject({ outcome: 'sent' });
    expect(smtp.received.map(({ messageId }) => messageId)).toEqual([`<${sent.id}@daybook.example>`]);
  });

  it('has failed after the last attempt of the schedule', async () => {
    smtp.behaviour.set('never', 450);
    await mail.add(confirmed('never@example.com'));
    const failed = await until('never@example.com', 'failed');
    expect(failed).toMatchObject({ attempts: 4, error: expect.stringContaining('450') });
  });

  it('has failed after 5xx, without a retry', async () => {
    smtp.behaviour.set('nobody', 550);
    await mail.add(confirmed('nobody@example.com'));
    const failed = await until('nobody@example.com', 'failed');
    expect(await attemptsOf(failed)).toEqual([{ number: 1, outcome: 'failed', smtp_code: 550 }]);
    expect(smtp.tried).toEqual(['nobody@example.com']);
  });

  it('also depends on the reply to the whole message: 4xx is retried, 5xx is final', async () => {
    smtp.behaviour.set('full', { message: 452 });
    smtp.behaviour.set('spam', { message: 554 });
    await mail.add(confirmed('full@example.com'), confirmed('spam@example.com'));
    const failed = await until('spam@example.com', 'failed');
    expect(await attemptsOf(failed)).toEqual([{ number: 1, outcome: 'failed', smtp_code: 554 }]);
    await eventually(async () => (await of('full@example.com')).attempts > 0);
    smtp.behaviour.clear();
    const sent = await until('full@example.com', 'sent');
    expect((await attemptsOf(sent))[0]).toEqual({ number: 1, outcome: 'retried', smtp_code: 452 });
    expect(smtp.addresses()).toEqual(['full@example.com']);
  });

  it.each(['drop', 'drop-reply', 'stall', 'stall-message'] as const)(
    'is retried with the same Message-ID after %s of the server',
    async (behaviour) => {
      const to = `${behaviour}@example.com`;
      smtp.behaviour.set(behaviour, behaviour);
      await mail.add(confirmed(to));
      await eventually(async () => (await of(to)).attempts > 0);
      smtp.behaviour.clear();
      const sent = await until(to, 'sent');
      expect((await attemptsOf(sent))[0]).toEqual({ number: 1, outcome: 'retried', smtp_code: null });
      const ids = new Set(smtp.received.map(({ messageId }) => messageId));
      expect(ids).toEqual(new Set([`<${sent.id}@daybook.example>`]));
    },
  );

  it('waits for a late greeting', async () => {
    const late = await startSmtp();
    late.greetAfterMs = 500;
    const patient = await startMail({ SMTP_URL: late.url });
    await patient.add(confirmed('late@example.com'));
    await eventually(() => late.addresses().length === 1);
    await eventually(async () => {
      const rows = await patient.rows<Row>('SELECT status, attempts FROM mail_messages');
      expect(rows).toEqual([{ status: 'sent', attempts: 1 }]);
    });
    await patient.stop();
  });

  it('is retried after a late or refusing greeting, and then sent', async () => {
    const late = await startSmtp();
    late.greetAfterMs = 60_000;
    const worker = await startMail({ SMTP_URL: late.url, SMTP_TIMEOUT: 500, MAIL_RETRY_DELAYS: Array(100).fill(100) });
    const tried = (detail: RegExp) =>
      eventually(async () => {
        const rows = await worker.rows<{ outcome: string; detail: string }>(
          'SELECT outcome, detail FROM mail_attempts',
        );
        expect(rows).toContainEqual({ outcome: 'retried', detail: expect.stringMatching(detail) });
      });
    await worker.add(confirmed('late@example.com'));
    await tried(/^The server did not take the message within 500 ms$|^Greeting never received$/);
    Object.assign(late, { greetAfterMs: 0, greetingCode: 554 });
    await tried(/554/);
    late.greetingCode = 220;
    await eventually(() => late.addresses().length === 1);
    await worker.stop();
  });

  it.each([
    'two@example.com, three@example.com',
    'a@example.com\r\nBcc: b@example.com',
    'Name <x@example.com>',
    'none',
  ])('to %j is not sent, because it is not a single address', async (to) => {
    await mail.add(confirmed(to));
    const failed = await until(to, 'failed');
    expect(failed.error).toBe('The address is not valid');
    expect(smtp.tried).toEqual([]);
  });
});

describe('an address that stalls or is refused', () => {
  it('delays no other', async () => {
    const stalled = Array.from({ length: 20 }, (_, index) => `stall-${index}`);
    for (const name of stalled) smtp.behaviour.set(name, 'stall');
    for (let index = 0; index < 20; index++) smtp.behaviour.set(`bad-${index}`, 550);
    const slow = await startMail({ SMTP_URL: smtp.url, SMTP_TIMEOUT: 300_000 });
    await slow.add(...stalled.map((name) => confirmed(`${name}@example.com`)));
    await eventually(() => smtp.tried.length === 20);
    const good = Array.from({ length: 100 }, (_, index) => `good-${index}@example.com`);
    await slow.add(...good.flatMap((to, index) => [confirmed(to), confirmed(`bad-${index % 20}@example.com`)]));
    // The stalled attempts would end after five minutes.
    await eventually(() => expect(smtp.addresses()).toEqual(good.toSorted()));
  });
});

it('is sent when the server recovers', async () => {
  const first = await startSmtp();
  const { port, url } = first;
  await first.close();
  const worker = await startMail({ SMTP_URL: url, MAIL_RETRY_DELAYS: Array(20).fill(200) });
  await worker.add(confirmed('patient@example.com'));
  await eventually(async () => (await worker.rows('SELECT FROM mail_attempts')).length > 0);
  const back = await startSmtp(port);
  await eventually(() => back.addresses().length === 1);
  await worker.stop();
});

it('is kept while no server is configured', async () => {
  const worker = await startMail();
  await worker.add(confirmed('kept@example.com'), confirmed('kept-too@example.com'));
  await eventually(async () => {
    const rows = await worker.rows<Row>(`SELECT status FROM mail_messages WHERE status = 'kept'`);
    return rows.length === 2;
  });
});
