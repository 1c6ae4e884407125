import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { type DynamicModule, type LoggerService, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { TargetList } from '../callbacks/url-guard/target-list.js';
import { type Config, ConfigError, readConfig, unusedNames } from '../platform/config/config.js';
import { CoreModule } from './core.module.js';
import { EmbeddedPostgresError } from '../platform/database/embedded/embedded-postgres.js';
import { DaybookError, StartError } from '../platform/errors.js';
import { OperationsModule } from '../operations/operations.module.js';
import { serveDashboard } from '../edge/dashboard/dashboard.js';
import { configureApp } from '../edge/express/configure-app.js';
import { ExpressServerAdapter } from '../edge/express/express-server.js';
import { EdgeModule } from '../edge/edge.module.js';
import { serveApiDocs } from '../edge/openapi/openapi.js';
import { serveRedoc } from '../edge/openapi/redoc.js';
import { ListenAddress } from '../platform/listen-address.js';
import { tolerateLogErrors } from '../platform/observability/log-streams.js';
import { Logger } from '../platform/observability/logger.js';
import { printableLines } from '../platform/observability/printable.js';
import { hide, redact } from '../platform/observability/redact.js';
import { passwordsOf } from '../platform/config/passwords.js';
import { type OpenDatabase, openDatabase } from './open-database.js';
import { Shutdown } from './shutdown.js';

/** The root of the modules that a role is made of. */
@Module({})
class ProcessModule {}

/**
 * Starts a process and keeps it until it is told to stop. A start that fails prints one line and exits with code 1.
 * @param modulesOf The modules of this process, in addition to those of every process.
 * @param overrides Settings that take precedence over the environment.
 */
export async function start(
  modulesOf: (config: Config) => Promise<(Type | DynamicModule)[]>,
  overrides: Partial<Config> = {},
): Promise<void> {
  // V8 would take the objects of the start for long-lived and promote the garbage of every request: decision 17.
  setFlagsFromString('--no-allocation-site-pretenuring');
  tolerateLogErrors();
  // Files of the service and of its child processes are for its user only.
  process.umask(0o077);
  try {
    const config: Config = Object.freeze({ ...readConfig(), ...overrides });
    await run(config, modulesOf);
  } catch (error) {
    if (!isExpected(error)) throw error;
    console.error(printableLines(redact(error.message)));
    process.exit(1);
  }
}

function isExpected(error: unknown): error is Error {
  return [ConfigError, StartError, EmbeddedPostgresError, DaybookError].some((expected) => error instanceof expected);
}

async function run(config: Config, modulesOf: (config: Config) => Promise<(Type | DynamicModule)[]>): Promise<void> {
  hide(passwordsOf(config));
  const logger = new Logger(config);
  for (const warning of unusedNames()) logger.warn(warning, 'Start');
  // The settings that a module validates are checked before a database is started.
  void new TargetList(config.CALLBACK_ALLOW, 'CALLBACK_ALLOW');
  void new TargetList(config.CALLBACK_DENY, 'CALLBACK_DENY');
  const shutdown = new Shutdown(config, logger);
  shutdown.install();
  try {
    await startParts(config, await modulesOf(config), logger, shutdown);
  } catch (error) {
    // A signal ends the process, whatever it interrupted.
    if (shutdown.signal.aborted) return;
    // An embedded Postgres outlives its process. The error that prevented the start is the one to report.
    await shutdown.end().catch(() => undefined);
    throw error;
  } finally {
    shutdown.onStartEnded();
  }
}

async function startParts(
  config: Config,
  modules: (Type | DynamicModule)[],
  logger: Logger,
  shutdown: Shutdown,
): Promise<void> {
  const database = await openDatabase(config, logger, shutdown.signal);
  shutdown.onDatabaseOpened(() => database.close());
  shutdown.signal.throwIfAborted();
  const imports = [CoreModule.register(config, database), OperationsModule, EdgeModule, ...modules];
  const app = await NestFactory.create<NestExpressApplication>(
    { module: ProcessModule, imports },
    new ExpressServerAdapter(),
    { logger, bodyParser: false, abortOnError: false },
  );
  shutdown.onAppCreated(app);
  configureApp(app, config);
  if (config.ROLE !== 'worker') {
    serveApiDocs(app);
    serveRedoc(app);
    serveDashboard(app);
  }
  shutdown.signal.throwIfAborted();
  await listen(app, config);
  announce(config, app.get(ListenAddress).url, database, logger);
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
      : [`Dashboard   ${base}/`, `API         ${base}/api`, `Swagger UI  ${base}/docs`, `Redoc       ${base}/redoc`];
  lines.push(`Data        ${config.DATA_DIR} (files), ${database.description}`);
  lines.push(`Queue       ${config.REDIS_URL ? `Bull on Redis at ${new URL(config.REDIS_URL).host}` : 'in-process'}`);
  for (const line of lines) logger.log(line, 'Start');
}
