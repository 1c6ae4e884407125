import { existsSync } from 'node:fs';
import { z } from 'zod';
import { processSettings } from './sections/process.js';
import { databaseSettings } from './sections/database.js';
import { queueSettings } from './sections/queue.js';
import { overloadSettings } from './sections/overload.js';
import { reportSettings } from './sections/reports.js';
import { storageSettings } from './sections/storage.js';
import { jobSettings } from './sections/jobs.js';
import { httpSettings } from './sections/http.js';
import { callbackSettings } from './sections/callbacks.js';
import { webSettings } from './sections/web.js';
import { isLoopbackHost } from './loopback.js';

/**
 * Every environment variable with its limits, its default and its text in docs/configuration.md, whose order this is. A
 * variable that is set to the empty string counts as not set.
 */
export const environmentSchema = z.object({
  ...processSettings.shape,
  ...databaseSettings.shape,
  ...queueSettings.shape,
  ...overloadSettings.shape,
  ...reportSettings.shape,
  ...storageSettings.shape,
  ...jobSettings.shape,
  ...httpSettings.shape,
  ...callbackSettings.shape,
  ...webSettings.shape,
});

type Environment = z.output<typeof environmentSchema>;

/** The validated settings of a process, with every default filled in. Frozen: a value never changes after the start. */
export type Config = Readonly<Omit<Environment, 'DEMO_RECEIVER'> & { DEMO_RECEIVER: boolean }>;

/** Injection token of the process's {@link Config}. */
export const CONFIG = Symbol('CONFIG');

/** A setting is invalid. The message is one line: variable, value, allowed values. */
export class ConfigError extends Error {}

/** Settings of earlier versions, and what replaces them. A limit that was set must not be dropped without a word. */
const REPLACED: Readonly<Record<string, string>> = {
  MAX_PENDING_TOTAL: 'MAX_PENDING_ACCOUNT, a limit for each account',
};

/** Variables whose value may contain a password and is therefore not shown. */
const SECRET = /URL|^CALLBACK_PROXY$|SECRET$|KEY|PASSWORD/;

function allowedText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

/**
 * Parses the settings of an environment.
 * @throws ConfigError for the first invalid variable.
 */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  for (const [name, replacement] of Object.entries(REPLACED))
    if (name in set) throw new ConfigError(`${name} is no longer a setting: use ${replacement}`);
  const { data, error } = environmentSchema.safeParse(set);
  if (error) {
    const issue = error.issues[0]!;
    const name = String(issue.path[0]);
    const value = SECRET.test(name) ? '(not shown)' : JSON.stringify(set[name]);
    throw new ConfigError(`${name}=${value} is not valid: it must be ${allowedText(issue)}`);
  }
  if (data.ROLE !== 'all' && !data.REDIS_URL) {
    // The in-process queue does not reach other processes, so separate roles need Redis.
    throw new ConfigError(`ROLE="${data.ROLE}" is not valid: it must be all, unless REDIS_URL is set`);
  }
  const isOpen = data.AUTH === 'open';
  if (isOpen && !data.ALLOW_OPEN && !isLoopbackHost(data.HOST)) {
    const host = JSON.stringify(data.HOST);
    throw new ConfigError(
      `HOST=${host} is not valid: it must be a loopback address, unless AUTH=required or ALLOW_OPEN=true is set`,
    );
  }
  if (data.DEMO_RECEIVER && !isOpen) {
    // Every route needs a key then, and a callback has none.
    throw new ConfigError('DEMO_RECEIVER="on" is not valid: it must be off with AUTH=required');
  }
  return freeze({ ...data, DEMO_RECEIVER: data.DEMO_RECEIVER ?? (data.NODE_ENV !== 'production' && isOpen) });
}

/** Freezes the settings and their lists and limits. */
function freeze<Settings extends object>(settings: Settings): Readonly<Settings> {
  for (const value of Object.values(settings)) Object.freeze(value);
  return Object.freeze(settings);
}

/** Returns the settings of this process: `.env` in the working directory, overridden by the environment. */
export function readConfig(): Config {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return parseConfig(process.env);
}

/** Returns this process's environment with Daybook's own variables replaced by `settings`. */
export function environmentWith(settings: Record<string, string>): NodeJS.ProcessEnv {
  const ours = Object.keys(environmentSchema.shape);
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.includes(name))), ...settings };
}

/** Returns the environment for a foreign program, without secrets and without PG… variables, which Postgres would read. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, SystemRoot, TEMP };
}
