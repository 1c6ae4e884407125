/**
 * The Postgres and the Redis of one test run, and a PgBouncer if that is asked for, in a process of its own: its standard input ends when the run does,
 * however it ended (Ctrl-C, kill -9, a failed setup), and then it clears everything away.
 * Writes one line of JSON when both are ready.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { migrate } from '../../dist/src/app/data-source.js';
import { startEmbeddedPostgres } from '../../dist/src/platform/database/embedded/embedded-postgres.js';
import { SYSTEM_DIR } from '../../dist/src/platform/database/embedded/postgres-binaries.js';
import { startPgBouncer } from './pgbouncer.js';
import { startRedisServer } from './redis-server.js';

/** What is gained by losing the data of a test run with the machine. */
const UNSAFE_BUT_FAST = { fsync: 'off', full_page_writes: 'off', max_connections: '200' };
/** Redis has 16 databases unless told otherwise; 0 is where people keep what matters to them. */
const REDIS_DATABASES = Array.from({ length: 15 }, (_, index) => index + 1);
/** Begins the name of each database of this run. */
const PREFIX = `daybook_test_${randomBytes(4).toString('hex')}`;

const cleanups = [];

/** Makes the folder of the run. Nothing in it outlives the run, however the test that made it ended. */
async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-test-'));
  cleanups.push(() => clearAway(folder));
  await chmod(folder, 0o755); // As root, Postgres runs under another user.
  return folder;
}

async function clearAway(folder) {
  await endServersIn(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** By hand: `readdir`'s own recursion follows links, and npx links this checkout, with the Postgres that may run in it. */
async function endServersIn(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await endServersIn(path);
    else if (entry.isSymbolicLink()) {
      const target = await readlink(path);
      // A cluster that could not be in its folder, see placeCluster. No other link is followed.
      if (target.startsWith(`${SYSTEM_DIR}/cluster-`)) await clearAway(dirname(target));
    } else if (entry.name.endsWith('.pid')) await endServer(path);
  }
}

/** Ends the Postgres or Redis that a pid file names, unless the number has gone to another process since. */
async function endServer(pidFile) {
  const pid = parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  if (/postgres|redis/.test(name)) process.kill(pid, 'SIGQUIT');
}

async function startPostgres(folder) {
  const postgres = await startEmbeddedPostgres({ dataDir: folder, log: () => undefined, settings: UNSAFE_BUT_FAST });
  cleanups.push(() => postgres.stop());
  return postgres.url;
}

/** With TEST_PGBOUNCER=1 the tests and the services they start reach their databases only through it. */
async function poolConnections(databaseUrl, folder) {
  const pgbouncer = await startPgBouncer(databaseUrl, folder);
  cleanups.push(() => pgbouncer.stop());
  return pgbouncer.url;
}

async function onServer(url, work) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function dropDatabases(url) {
  await onServer(url, async (client) => {
    const { rows } = await client.query('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [PREFIX]);
    for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  });
}

async function prepareTemplate(url) {
  const template = `${PREFIX}_template`;
  cleanups.push(() => dropDatabases(url));
  await onServer(url, (client) => client.query(`CREATE DATABASE ${template}`));
  const templateUrl = new URL(url);
  templateUrl.pathname = template;
  await migrate(templateUrl.href);
  return template;
}

/** Each test worker empties a database of its own in Redis, so in a Redis of yours these must be empty before. */
async function borrowRedis(url) {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: null, lazyConnect: true });
  redis.on('error', () => undefined);
  await redis.connect();
  const eachDatabase = async (work) => {
    for (const database of REDIS_DATABASES) await redis.select(database).then(() => work(database));
  };
  await eachDatabase(async (database) => {
    if ((await redis.dbsize()) > 0) throw new Error(`database ${database} of REDIS_URL is not empty`);
  });
  cleanups.push(async () => {
    await eachDatabase(() => redis.flushdb());
    redis.disconnect();
  });
  return url;
}

async function ownRedis() {
  const redis = await startRedisServer();
  cleanups.push(() => redis.stop());
  return redis.url;
}

const { DATABASE_URL, REDIS_URL, TEST_PGBOUNCER } = process.env;
process.stdout.on('error', () => undefined); // Nobody is left to read.
// Whoever means the run means it; this process ends after it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
const runEnds = once(process.stdin.resume(), 'end');
try {
  const folder = (process.env.TEST_FOLDER = await makeFolder());
  const databaseUrl = DATABASE_URL || (await startPostgres(folder));
  const templateDatabase = await prepareTemplate(databaseUrl);
  const pooledUrl = TEST_PGBOUNCER === '1' ? await poolConnections(databaseUrl, folder) : undefined;
  const redisUrl = REDIS_URL ? await borrowRedis(REDIS_URL) : await ownRedis();
  console.log(JSON.stringify({ folder, databaseUrl, templateDatabase, pooledUrl, redisUrl }));
  await runEnds;
} catch (error) {
  console.error(`The services of the tests do not start: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const cleanUp of cleanups.toReversed()) await cleanUp().catch((error) => console.error(error.message));
}
process.exit();
