import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { type DynamicModule, type LoggerService, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AllowList } from '../callbacks/url-guard/allow-list.js';
import { type Config, ConfigError, readConfig } from '../platform/config/config.js';
import { CoreModule } from './core.module.js';
import { EmbeddedPostgresError } from '../platform/database/embedded/embedded-postgres.js';
import { DaybookError, StartError } from '../platform/errors.js';
import { OperationsModule } from '../operations/operations.module.js';
import { HealthService } from '../operations/health.service.js';
import { configureApp } from '../edge/express/configure-app.js';
import { ExpressServerAdapter } from '../edge/express/express-server.js';
import { EdgeModule } from '../edge/edge.module.js';
import { serveApiDocs } from '../edge/openapi/openapi.js';
import { ListenAddress } from '../platform/listen-address.js';
import { Logger } from '../platform/observability/logger.js';
import { type OpenDatabase, openDatabase } from './open-database.js';

/** The root of the modules that a role is made of. */
@Module({})
class ProcessModule {}

/**
 * Starts a process and keeps it until it is told to stop. What prevents the start is said in one line, with exit code 1.
 * @param modulesOf The modules that the process is made of, beside those that every process has.
 * @param overrides Settings that take precedence over the environment.
 */
export async function start(
  modulesOf: (config: Config) => Promise<(Type | DynamicModule)[]>,
  overrides: Partial<Config> = {},
): Promise<void> {
  // Else V8 may take what it sees while the process starts for long-lived, and keep the garbage of all requests: decision 17.
  setFlagsFromString('--no-allocation-site-pretenuring');
  try {
    const config: Config = Object.freeze({ ...readConfig(), ...overrides });
    await run(config, await modulesOf(config));
  } catch (error) {
    if (!isExpected(error)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

function isExpected(error: unknown): error is Error {
  return [ConfigError, StartError, EmbeddedPostgresError, DaybookError].some((expected) => error instanceof expected);
}

async function run(config: Config, modules: (Type | DynamicModule)[]): Promise<void> {
  const logger = new Logger(config);
  // The one setting that only a module reads: what is wrong with it is said before a database is started for it.
  void new AllowList(config.CALLBACK_ALLOW);
  const database = await openDatabase(config, logger);
  let app: NestExpressApplication | undefined;
  try {
    const imports = [CoreModule.register(config, database.url), OperationsModule, EdgeModule, ...modules];
    app = await NestFactory.create<NestExpressApplication>(
      { module: ProcessModule, imports },
      new ExpressServerAdapter(),
      { logger, bodyParser: false, abortOnError: false },
    );
    configureApp(app, config);
    if (config.ROLE !== 'worker') serveApiDocs(app);
    await listen(app, config);
  } catch (error) {
    // An embedded Postgres outlives its process. What else fails on the way out is not what prevented the start.
    await end(app, config, database, logger).catch(() => undefined);
    throw error;
  }
  stopOnSignal(app, config, database, logger);
  announce(config, app.get(ListenAddress).url, database, logger);
}

/** Finishes what is in hand, if that is done in time, and stops what was started. */
async function end(
  app: NestExpressApplication | undefined,
  config: Config,
  database: OpenDatabase,
  logger: LoggerService,
): Promise<void> {
  try {
    const closed = Promise.resolve(app?.close()).then(() => true);
    const withTimeout = await Promise.race([closed, sleep(config.SHUTDOWN_TIMEOUT, false, { ref: false })]);
    if (!withTimeout) logger.warn('SHUTDOWN_TIMEOUT is over; what is unfinished goes on after the next start', 'Stop');
  } finally {
    await database.close();
  }
}

async function listen(app: NestExpressApplication, config: Config): Promise<void> {
  try {
    await app.listen(config.PORT, config.HOST);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    const where = `HOST=${config.HOST} PORT=${config.PORT}`;
    if (code === 'EADDRINUSE') throw new StartError(`${where} is in use by another program; set PORT to a free one`);
    if (code === 'EACCES')
      throw new StartError(`${where} may not be listened on by this user; set PORT to one over 1023`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new StartError(`${where} is no address of this machine`);
    throw error;
  }
  const address: unknown = app.getHttpServer().address();
  if (address && typeof address === 'object' && 'port' in address) {
    app.get(ListenAddress).listensOn(Number(address.port));
  }
}

function announce(config: Config, base: string, database: OpenDatabase, logger: LoggerService): void {
  const lines =
    config.ROLE === 'worker'
      ? [`Worker ready; health at ${base}/healthz`]
      : [`API         ${base}/api`, `Swagger UI  ${base}/docs`];
  lines.push(`Data        ${config.DATA_DIR} (files), ${database.description}`);
  lines.push(`Queue       ${config.REDIS_URL ? `Bull on Redis at ${new URL(config.REDIS_URL).host}` : 'in-process'}`);
  for (const line of lines) logger.log(line, 'Start');
}

/** A second signal within this time is the first one again: under bash, Ctrl-C reaches npm's child twice. */
const SAME_SIGNAL_MS = 1_000;
/** SIGHUP: the terminal was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The first signal finishes the work in progress, a later one ends the process at once. Nothing is lost either way. */
function stopOnSignal(
  app: NestExpressApplication,
  config: Config,
  database: OpenDatabase,
  logger: LoggerService,
): void {
  let stoppingSinceMs: number | null = null;
  const stop = async (signal: string): Promise<void> => {
    if (stoppingSinceMs !== null) {
      if (performance.now() - stoppingSinceMs < SAME_SIGNAL_MS) return;
      process.exit(130);
    }
    stoppingSinceMs = performance.now();
    logger.log(`${signal}: finishing the work in progress; send it again to stop at once`, 'Stop');
    app.get(HealthService).beginShutdown();
    await end(app, config, database, logger);
    process.exit(0);
  };
  for (const signal of SIGNALS) process.on(signal, () => void stop(signal));
}
