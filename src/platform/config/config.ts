import { z } from 'zod';
import { processSettings } from './sections/process.js';
import { databaseSettings } from './sections/database.js';
import { queueSettings } from './sections/queue.js';
import { overloadSettings } from './sections/overload.js';
import { reportSettings } from './sections/reports.js';
import { storageConflict, storageSettings } from './sections/storage.js';
import { jobSettings } from './sections/jobs.js';
import { httpSettings } from './sections/http.js';
import { callbackSettings } from './sections/callbacks.js';
import { mailSettings } from './sections/mail.js';
import { bookSettings } from './sections/books.js';
import { webSettings } from './sections/web.js';
import { userSettings } from './sections/users.js';
import { isLoopbackHost } from './loopback.js';
import { ConfigError } from './config-error.js';
import { type Assignment, parseDotenv, readDotenv } from './dotenv.js';
import { likelySetting, removedSetting } from './setting-names.js';

export { ConfigError } from './config-error.js';

/** The settings by section, in the order of docs/configuration.md. */
export const SECTIONS = {
  process: processSettings,
  database: databaseSettings,
  queues: queueSettings,
  overload: overloadSettings,
  reports: reportSettings,
  storage: storageSettings,
  jobs: jobSettings,
  http: httpSettings,
  callbacks: callbackSettings,
  mail: mailSettings,
  books: bookSettings,
  users: userSettings,
  web: webSettings,
} as const;

/**
 * Every environment variable with its limits, its default and its text in docs/configuration.md, whose order this is. A
 * variable that is set to the empty string counts as not set.
 */
export const environmentSchema = z.object({
  ...SECTIONS.process.shape,
  ...SECTIONS.database.shape,
  ...SECTIONS.queues.shape,
  ...SECTIONS.overload.shape,
  ...SECTIONS.reports.shape,
  ...SECTIONS.storage.shape,
  ...SECTIONS.jobs.shape,
  ...SECTIONS.http.shape,
  ...SECTIONS.callbacks.shape,
  ...SECTIONS.mail.shape,
  ...SECTIONS.books.shape,
  ...SECTIONS.users.shape,
  ...SECTIONS.web.shape,
});

type Environment = z.output<typeof environmentSchema>;

/** The validated settings of a process, with every default filled in. Frozen: a value never changes after the start. */
export type Config = Readonly<Omit<Environment, 'DEMO_RECEIVER'> & { DEMO_RECEIVER: boolean }>;

/** Injection token of the process's {@link Config}. */
export const CONFIG = Symbol('CONFIG');

const SECRET = /SECRET$|KEY|PASSWORD/;
const WITH_PASSWORD = /(?:URL|ENDPOINT)$|^CALLBACK_PROXY$/;

/** Whether a variable is a secret as a whole. */
export const isSecret = (name: string): boolean => SECRET.test(name);

/** Whether a variable is a URL that may contain a password. */
export const mayHavePassword = (name: string): boolean => WITH_PASSWORD.test(name);

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
  for (const name of Object.keys(set)) {
    const removed = removedSetting(name, SETTINGS);
    if (removed !== null) throw new ConfigError(`${name} is no longer a setting: use ${removed}`);
  }
  const { data, error } = environmentSchema.safeParse(set);
  if (error) {
    const issue = error.issues[0]!;
    const name = String(issue.path[0]);
    const value = isSecret(name) || mayHavePassword(name) ? '(not shown)' : JSON.stringify(set[name]);
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
  const conflict = storageConflict(data);
  if (conflict !== null) throw new ConfigError(conflict);
  return freeze({ ...data, DEMO_RECEIVER: data.DEMO_RECEIVER ?? (data.NODE_ENV !== 'production' && isOpen) });
}

/** Freezes the settings and their lists and limits. */
function freeze<Settings extends object>(settings: Settings): Readonly<Settings> {
  for (const value of Object.values(settings)) Object.freeze(value);
  return Object.freeze(settings);
}

const SETTINGS: readonly string[] = Object.keys(environmentSchema.shape);

const namesFromFile = new Set<string>();
/** Names of the variables that {@link readConfig} took from `.env`. */
export const settingsFromFile: ReadonlySet<string> = namesFromFile;

/**
 * Returns the settings of this process: `.env` in the working directory, overridden by the environment. An empty variable
 * overrides nothing, since it counts as not set.
 * @throws ConfigError for an invalid setting, and for a line of `.env` that would set nothing.
 */
export function readConfig(): Config {
  const text = readDotenv('.env');
  for (const { name, value } of text === null ? [] : parseSettings(text)) {
    if (!process.env[name]) namesFromFile.add(name);
    process.env[name] ||= value;
  }
  return parseConfig(process.env);
}

/**
 * Returns the variables of a `.env` file. Those of other programs pass.
 * @throws ConfigError for a line that sets nothing, a name that resembles a setting, and a setting that comes twice.
 */
export function parseSettings(text: string): Assignment[] {
  const assignments = parseDotenv(text, (line) => {
    const [word = ''] = /[A-Za-z_][\w.-]*/.exec(line.replace(/^\s*(export|set)\s+/i, '')) ?? [];
    return SETTINGS.includes(word) ? word : likelySetting(word, SETTINGS);
  });
  const lines = new Map<string, number>();
  for (const { name, line } of assignments) {
    const removed = removedSetting(name, SETTINGS);
    if (removed !== null) throw new ConfigError(`.env line ${line}: ${name} is no longer a setting: use ${removed}`);
    const meant = likelySetting(name, SETTINGS);
    if (meant !== null) throw new ConfigError(`.env line ${line}: ${name} is not a setting. Did you mean ${meant}?`);
    const first = lines.get(name);
    if (first !== undefined && SETTINGS.includes(name))
      throw new ConfigError(`.env line ${line}: ${name} is set already on line ${first}`);
    lines.set(name, line);
  }
  return assignments;
}

/** Returns warnings of variables of this process that resemble a setting. They may be those of other programs. */
export function unusedNames(environment: NodeJS.ProcessEnv = process.env): string[] {
  return Object.keys(environment).flatMap((name) => {
    const meant = likelySetting(name, SETTINGS);
    return meant === null ? [] : `The variable ${name} is not a setting. Did you mean ${meant}?`;
  });
}

/** Returns this process's environment with Daybook's own variables replaced by `settings`. */
export function environmentWith(settings: Record<string, string>): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !SETTINGS.includes(name));
  return { ...Object.fromEntries(others), ...settings };
}

/** Returns the environment for a foreign program, without secrets and without PG… variables, which Postgres would read. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, SystemRoot, TEMP };
}
