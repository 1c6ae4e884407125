import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type LoggerService } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { HealthService } from '../operations/health.service.js';
import type { Config } from '../platform/config/config.js';
import { Database } from '../platform/database/database.js';
import { logOnce } from '../platform/observability/log-once.js';
import { errorText, redact } from '../platform/observability/redact.js';
import { isOutage } from '../platform/database/outages.js';

/** SIGHUP: the terminal was closed. SIGQUIT: Ctrl-\\ was pressed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/**
 * Signals of other programs' log rotation and reloading. Without a listener the first opens Node's debugger, and the second ends
 * the process at once.
 */
const IGNORED = ['SIGUSR1', 'SIGUSR2'] as const;
/** A second signal within this time is the first one again: under bash, Ctrl-C reaches npm's child twice. */
const SAME_SIGNAL_MS = 1_000;
/** Longest that a signal during the start waits for the step in progress, such as creating and starting Postgres. */
const START_STEP_TIMEOUT_MS = 60_000;
/** Exit code of a process that a signal ended at once: 128 + SIGINT. */
const INTERRUPTED = 130;

/** Names of the errors of Redis clients. */
const REDIS_ERRORS = new Set(['ReplyError', 'AbortError', 'MaxRetriesPerRequestError', 'ParserError']);
const REDIS_CLIENTS = /node_modules\/(bull|ioredis)\//;

/** Whether a rejection is of a promise that Bull or ioredis keeps to itself, so that no caller can handle it. */
function isOfRedisClient(reason: unknown): boolean {
  if (!(reason instanceof Error)) return reason === undefined;
  return REDIS_ERRORS.has(reason.name) || REDIS_CLIENTS.test(reason.stack?.split('\n')[1] ?? '');
}

/**
 * Ends the process in order, once: on a signal, from the first moment of the start, or on an error that nothing else handles.
 * Work in progress is finished within SHUTDOWN_TIMEOUT; a later signal ends the process at once. Nothing is lost either way.
 */
export class Shutdown {
  private readonly requested = new AbortController();
  private readonly logRedis = logOnce(new Logger('Redis'), 'Redis is unavailable');
  private readonly logConnection = logOnce(new Logger('Connection'), 'A connection failed that nothing waits for');
  private startEnded: () => void = () => undefined;
  private readonly started = new Promise<void>((resolve) => (this.startEnded = resolve));
  private requestedAtMs = 0;
  private app: NestExpressApplication | undefined;
  private closeDatabase: () => Promise<void> = async () => undefined;

  constructor(
    private readonly config: Pick<Config, 'SHUTDOWN_TIMEOUT' | 'REDIS_URL'>,
    private readonly logger: LoggerService,
  ) {}

  /** Aborts when the process is to end; a start in progress gives up then. */
  get signal(): AbortSignal {
    return this.requested.signal;
  }

  /** From now on signals and unhandled errors end the process in order. */
  install(): void {
    for (const signal of SIGNALS) process.on(signal, () => this.onSignal(signal));
    for (const signal of IGNORED) process.on(signal, () => this.logger.warn(`${signal} means nothing here`, 'Stop'));
    process.on('unhandledRejection', (reason) => this.onRejection(reason));
    process.on('uncaughtException', (error) => this.onUnexpected(error));
  }

  /** @param close Stops the database, if this process started it. */
  onDatabaseOpened(close: () => Promise<void>): void {
    this.closeDatabase = close;
  }

  onAppCreated(app: NestExpressApplication): void {
    this.app = app;
  }

  /** The start has succeeded or failed. */
  onStartEnded(): void {
    this.startEnded();
  }

  /** Finishes the work in progress, within the time for it, and stops what was started. */
  async end(): Promise<void> {
    const { app } = this;
    try {
      const closed = Promise.resolve(app?.close()).then(() => true);
      closed.catch(() => undefined);
      if (await Promise.race([closed, sleep(this.config.SHUTDOWN_TIMEOUT, false, { ref: false })])) return;
      this.logger.warn('SHUTDOWN_TIMEOUT is over; unfinished work continues after the next start', 'Stop');
      // Requests that are still arriving, and our own connections, which the embedded Postgres would count as other clients.
      app?.getHttpServer().closeAllConnections();
      app?.get(Database).disconnect();
    } finally {
      await this.closeDatabase();
    }
  }

  private onSignal(signal: string): void {
    if (this.signal.aborted) {
      if (performance.now() - this.requestedAtMs > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
      return;
    }
    this.logger.log(`${signal}: finishing the work in progress; send it again to stop at once`, 'Stop');
    void this.endProcess(0);
  }

  /** A connection that is lost is no reason to end: those who need it have errors of their own, and open a new one. */
  private onRejection(reason: unknown): void {
    if (this.config.REDIS_URL && isOfRedisClient(reason))
      return this.logRedis(new Error(redact(reason instanceof Error ? reason.message : 'no answer')));
    if (isOutage(reason)) return this.logConnection(new Error(redact(reason.message)));
    this.onUnexpected(reason);
  }

  private onUnexpected(error: unknown): void {
    const text = errorText(error);
    this.logger.fatal?.(`Unexpected error, stopping: ${text.split('\n', 1)[0]}`, 'Stop');
    this.logger.error('The stack of the unexpected error:', text, 'Stop');
    if (!this.signal.aborted) void this.endProcess(1);
  }

  private async endProcess(code: number): Promise<void> {
    this.requestedAtMs = performance.now();
    this.requested.abort();
    await Promise.race([this.started, sleep(START_STEP_TIMEOUT_MS, undefined, { ref: false })]);
    this.app?.get(HealthService).beginShutdown();
    await this.end().catch((error: unknown) => this.logger.error(`Stopping failed: ${redact(String(error))}`, 'Stop'));
    process.exit(code);
  }
}
