import { Client, type QueryResultRow } from 'pg';
import type { Daybook } from './daybook.js';

const clients = new Map<string, Promise<Client>>();

/** Asks the service's own database, over one connection for the test file. */
export async function sql<Row extends QueryResultRow>(
  { databaseUrl }: Pick<Daybook, 'databaseUrl'>,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const url = databaseUrl!;
  const client = clients.get(url) ?? connect(url);
  clients.set(url, client);
  return (await (await client).query<Row>(text, values)).rows;
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  client.on('error', () => undefined); // The database may be dropped first.
  await client.connect();
  return client;
}

afterAll(async () => {
  for (const client of clients.values()) await (await client).end();
});

/** Holds a lane as a worker that is alive and does nothing would: what is accepted into it stays pending. */
export async function holdLane(daybook: Daybook, name: string): Promise<void> {
  const text = `INSERT INTO lanes (name, leased_by, lease_until) VALUES ($1, 'test', 'infinity')
    ON CONFLICT (name) DO UPDATE SET leased_by = 'test', lease_until = 'infinity', lease_epoch = lanes.lease_epoch + 1`;
  await sql(daybook, text, [name]);
}

/** Gives a held lane back; it is worked on at the next sweep. */
export async function letLaneGo(daybook: Daybook, name: string): Promise<void> {
  await sql(daybook, 'UPDATE lanes SET leased_by = NULL, lease_until = NULL WHERE name = $1', [name]);
}

/** Lets no request finish while `work` is going on: the write that finishes one waits for the table that we hold. */
export async function whileNothingFinishes<T>({ databaseUrl }: Daybook, work: () => Promise<T>): Promise<T> {
  const client = await connect(databaseUrl!);
  try {
    await client.query('BEGIN; LOCK TABLE callback_deliveries IN SHARE MODE');
    return await work();
  } finally {
    await client.end();
  }
}
