import { type ParseArgsConfig, parseArgs } from 'node:util';
import { VERSION } from '../platform/package.js';
import { printableLines } from '../platform/observability/printable.js';

/** The command line is not valid. */
export class UsageError extends Error {}

/** A command that reports its expected failures in one line. */
export interface Command {
  /** Begins every error message. */
  name: string;
  usage: string;
  /**
   * @returns The exit code.
   * @throws UsageError, and the errors that {@link exitCodeOf} knows.
   */
  run: (args: string[]) => Promise<number>;
  /** The exit code of an expected failure; undefined for an unexpected one. */
  exitCodeOf: (error: unknown) => number | undefined;
}

/**
 * Runs a command, or prints its usage for `--help` or the version for `--version`. A usage error has exit code 2.
 * @throws Unexpected errors.
 */
export async function runCommand({ name, usage, run, exitCodeOf }: Command, args: string[]): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(usage);
    return 0;
  }
  if (args.some((arg) => arg === '--version' || arg === '-V')) {
    console.log(VERSION);
    return 0;
  }
  try {
    return await run(args);
  } catch (error) {
    const isUsageError = error instanceof UsageError;
    const exitCode = isUsageError ? 2 : exitCodeOf(error);
    if (exitCode === undefined) throw error;
    console.error(`${name}: ${printableLines((error as Error).message)}${isUsageError ? `\n\n${usage}` : ''}`);
    return exitCode;
  }
}

/**
 * Parses options with node:util.
 * @throws UsageError
 */
export function parseOptions<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // The rest of the message explains how to pass the argument anyway.
    throw new UsageError((error as Error).message.split(/\.? To specify|\n/)[0]);
  }
}
