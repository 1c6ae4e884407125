import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { redact } from './redact.js';

const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];

/** Nest's own account of its start: a line for every route and module, of no use to whoever runs the service. */
const START_UP_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Nest's logger at the level and in the format of the settings. No secret that has a known look gets through it. */
export class Logger extends ConsoleLogger {
  constructor({ LOG_LEVEL, LOG_FORMAT }: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'>) {
    const logLevels = LEVELS.slice(0, LEVELS.indexOf(LOG_LEVEL) + 1);
    super({
      prefix: 'Daybook',
      json: LOG_FORMAT === 'json',
      colors: LOG_FORMAT === 'text' && Boolean(process.stdout.isTTY),
      logLevels,
    });
  }

  /** Nest also logs, with its stack, what prevents the start, and then throws it to `start`, which says it in one line. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) !== 'ExceptionHandler') super.error(message, ...rest);
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (!START_UP_CONTEXTS.has(String(rest.at(-1)))) super.log(message, ...rest);
  }

  protected override formatMessage(...parts: Parameters<ConsoleLogger['formatMessage']>): string {
    return redact(super.formatMessage(...parts));
  }

  protected override stringifyJsonLogObject(line: Record<string, unknown>): string {
    return redact(super.stringifyJsonLogObject(line));
  }

  protected override printStackTrace(stack: string): void {
    super.printStackTrace(stack && redact(stack));
  }
}
