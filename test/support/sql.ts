import { Client, type QueryResultRow } from 'pg';
import type { Daybook } from './daybook.js';

/** Asks the service's own database. */
export async function sql<Row extends QueryResultRow>(
  { databaseUrl }: Pick<Daybook, 'databaseUrl'>,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Holds a lane as a worker that is alive and does nothing would: what is accepted into it stays pending. */
export async function holdLane(daybook: Daybook, name: string): Promise<void> {
  const text = `INSERT INTO lanes (name, lease_holder, lease_until) VALUES ($1, 'test', 'infinity')
    ON CONFLICT (name) DO UPDATE SET lease_holder = 'test', lease_until = 'infinity', lease_epoch = lanes.lease_epoch + 1`;
  await sql(daybook, text, [name]);
}

/** Gives a held lane back; it is worked on at the next sweep. */
export async function letLaneGo(daybook: Daybook, name: string): Promise<void> {
  await sql(daybook, 'UPDATE lanes SET lease_holder = NULL, lease_until = NULL WHERE name = $1', [name]);
}
