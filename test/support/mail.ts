import { v7 as uuidv7 } from 'uuid';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';
import type { Daybook } from './daybook.js';
import { sql } from './sql.js';

const DATA: object = {
  event: { title: 'Concert', date: '2026-12-01T19:00:00.000Z', location: 'Hall 1' },
  num_tickets: 2,
  total: '25.00 EUR',
};

/**
 * Adds a message that waits because no mail server was configured. @param options.createdAtMs The time in its id, by
 * default now. @returns Its id.
 */
export async function addKeptMail(
  daybook: Pick<Daybook, 'databaseUrl'>,
  {
    to = 'kept@example.com',
    account = OPEN_INSTALLATION,
    template = 'booking-confirmed',
    data = DATA,
    createdAtMs,
  }: { to?: string; account?: string; template?: string; data?: object; createdAtMs?: number } = {},
): Promise<string> {
  const id = createdAtMs === undefined ? uuidv7() : uuidv7({ msecs: createdAtMs });
  await sql(
    daybook,
    `INSERT INTO mail_messages (id, account_id, queue, recipient, template, data, status, next_attempt_at, finished_at)
      VALUES ($1, $2, $2, $3, $4, $5, 'kept', NULL, now())`,
    [id, account, to, template, JSON.stringify(data)],
  );
  return id;
}
