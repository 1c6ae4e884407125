/**
 * Runs the Postgres and the Redis of a test run, and PgBouncer with TEST_PGBOUNCER=1. It is a separate process whose
 * standard input closes when the run ends, even after Ctrl-C, kill -9 or a failed setup. Then it cleans up.
 * Prints one line of JSON when all services are ready.
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

/** Faster, because the data of a test run need not survive a crash of the machine. */
const UNSAFE_BUT_FAST = { fsync: 'off', full_page_writes: 'off', max_connections: '200' };
/** Redis has 16 databases by default. 0 is left out because developers keep their data there. */
const REDIS_DATABASES = Array.from({ length: 15 }, (_, index) => index + 1);
/** The prefix of the name of each database of this run. */
const PREFIX = `daybook_test_${randomBytes(4).toString('hex')}`;

const cleanups = [];

/** Creates the folder of the run. Everything in it is deleted at the end of the run. */
async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-test-'));
  cleanups.push(() => clearAway(folder));
  await chmod(folder, 0o755); // Postgres cannot run as root and runs as another user, which needs access.
  return folder;
}

async function clearAway(folder) {
  await endServersIn(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/**
 * Does not use the recursion of `readdir`, which follows links: npx links this checkout, and a developer's Postgres may
 * run in it.
 */
async function endServersIn(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await endServersIn(path);
    else if (entry.isSymbolicLink()) {
      const target = await readlink(path);
      // A cluster that was placed outside of its folder; see placeCluster. Other links are not followed.
      if (target.startsWith(`${SYSTEM_DIR}/cluster-`)) await clearAway(dirname(target));
    } else if (entry.name.endsWith('.pid')) await endServer(path);
  }
}

/** Ends the Postgres or Redis of a pid file, unless another process has the number now. */
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

/** With TEST_PGBOUNCER=1, the tests and their services connect to databases only through PgBouncer. */
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

/** Each test worker empties one database. In a developer's Redis they must be empty before the run. */
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
process.stdout.on('error', () => undefined); // Ignores EPIPE: the run may have ended.
// Ignores signals that are sent to the run, because this process must end after it.
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
  console.error(`The services of the tests did not start: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const cleanUp of cleanups.toReversed()) await cleanUp().catch((error) => console.error(error.message));
}
process.exit();
