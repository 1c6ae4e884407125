import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { printable, printableLines } from './printable.js';
import { redact } from './redact.js';

const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];

/** Contexts of Nest's start-up log, which has a line for every route and module and is of no use to operators. */
const START_UP_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Colours that Node adds to objects and errors on a terminal. */
const ESCAPE = '\u001b';
const COLOR = new RegExp(`(${ESCAPE}\\[\\d+m)`);

/**
 * Nest's logger at the level and in the format of the settings. It redacts secrets of known forms, and escapes control
 * characters, so that a caller's text cannot forge a line or control the terminal.
 */
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

  /** Drops the error that prevents the start, with its stack: Nest also throws it, and `start` prints it in one line. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) !== 'ExceptionHandler') super.error(message, ...rest);
  }

  override log(message: unknown, ...rest: unknown[]): void {
    if (!START_UP_CONTEXTS.has(String(rest.at(-1)))) super.log(message, ...rest);
  }

  protected override stringifyMessage(message: unknown, level: LogLevel): string {
    if (typeof message === 'string') return super.stringifyMessage(printable(message), level);
    const parts = super.stringifyMessage(message, level).split(COLOR);
    return parts.map((part, index) => (index % 2 === 1 && this.options.colors ? part : printableLines(part))).join('');
  }

  protected override formatMessage(...parts: Parameters<ConsoleLogger['formatMessage']>): string {
    return redact(super.formatMessage(...parts));
  }

  protected override stringifyJsonLogObject(line: Record<string, unknown>): string {
    return redact(printable(super.stringifyJsonLogObject(line)));
  }

  protected override printStackTrace(stack: string): void {
    super.printStackTrace(stack && redact(printableLines(stack)));
  }
}
