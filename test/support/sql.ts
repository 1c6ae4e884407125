import { Client, type QueryResultRow } from 'pg';
import type { Daybook } from './daybook.js';

const clients = new Map<string, Promise<Client>>();

/** Queries the database of a service, over one connection per test file. */
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
  client.on('error', () => undefined); // Ignored: the database may be dropped before the client ends.
  await client.connect();
  return client;
}

afterAll(async () => {
  for (const client of clients.values()) await (await client).end();
});

/** Leases a lane for a worker that does nothing, so that its requests stay pending. */
export async function holdLane(daybook: Daybook, name: string): Promise<void> {
  const text = `INSERT INTO lanes (name, leased_by, lease_until) VALUES ($1, 'test', 'infinity')
    ON CONFLICT (name) DO UPDATE SET leased_by = 'test', lease_until = 'infinity', lease_epoch = lanes.lease_epoch + 1`;
  await sql(daybook, text, [name]);
}

/** Releases the lease of {@link holdLane}. The next sweep works on the lane. */
export async function releaseLane(daybook: Daybook, name: string): Promise<void> {
  await sql(daybook, 'UPDATE lanes SET leased_by = NULL, lease_until = NULL WHERE name = $1', [name]);
}

/** Runs `work` while no request can finish. A lock on callback_deliveries blocks the write that finishes one. */
export async function whileNothingFinishes<T>({ databaseUrl }: Daybook, work: () => Promise<T>): Promise<T> {
  const client = await connect(databaseUrl!);
  try {
    await client.query('BEGIN; LOCK TABLE callback_deliveries IN SHARE MODE');
    return await work();
  } finally {
    await client.end();
  }
}
