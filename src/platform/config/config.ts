import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { CALLBACK_SECRET_FORMAT, callbackSecretBytes } from './callback-secret.js';

/** Milliseconds in each unit that a duration may be written in. */
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d+)(ms|s|m|h|d)$/;

/** Milliseconds of a duration such as `10s`; NaN for anything else. */
export function durationMs(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  return amount && unit ? Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS] : Number.NaN;
}

/** A duration such as `10s` or `500ms`; the parsed value is in milliseconds. */
export const duration = (minMs: number, maxMs: number, allowed: string) =>
  z
    .string()
    .refine((text) => durationMs(text) >= minMs && durationMs(text) <= maxMs, allowed)
    .transform(durationMs);

/** A duration, or `off`, which is null. */
const durationOrOff = (minMs: number, maxMs: number, allowed: string) =>
  z
    .string()
    .refine((text) => text === 'off' || (durationMs(text) >= minMs && durationMs(text) <= maxMs), `${allowed}, or off`)
    .transform((text): number | null => (text === 'off' ? null : durationMs(text)));

/** A comma-separated list; empty entries are dropped. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine(
      (text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max,
      `a whole number from ${min} to ${max}`,
    )
    .transform(Number);

/** A limit such as `30/60s`: so many requests in so long a time. `off` lifts it. */
export interface RateLimit {
  limit: number;
  windowMs: number;
}

const RATE_WINDOW_LIMIT_MS = 7 * UNIT_MS.d;

const rateLimit = z
  .string()
  .refine((text) => {
    if (text === 'off') return true;
    const [limit = '', window = '', ...rest] = text.split('/');
    const windowMs = durationMs(window);
    const isWindow = windowMs >= 1_000 && windowMs <= RATE_WINDOW_LIMIT_MS;
    return rest.length === 0 && /^[1-9]\d{0,8}$/.test(limit) && isWindow;
  }, 'a limit such as 30/60s (requests/time, the time from 1s to 7d), or off')
  .transform((text): RateLimit | null => {
    if (text === 'off') return null;
    const [limit = '', window = ''] = text.split('/');
    return { limit: Number(limit), windowMs: durationMs(window) };
  });

/** Hops, or the subnets of proxies, as Express' `trust proxy` takes them. `off` trusts nobody. */
const trustProxy = z
  .string()
  .refine(
    (text) => text === 'off' || /^([1-9]|1\d|20)$/.test(text) || subnetsOf(text).every(isSubnet),
    'off, the number of proxies from 1 to 20, or addresses and subnets such as 10.0.0.0/8,fd00::/8',
  )
  .transform((text): false | number | string[] => {
    if (text === 'off') return false;
    return /^\d+$/.test(text) ? Number(text) : subnetsOf(text);
  });

const subnetsOf = (text: string): string[] => text.split(',').map((entry) => entry.trim());

function isSubnet(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/');
  const longest = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  const isLength = length === undefined || (/^[1-9]\d{0,2}$/.test(length) && Number(length) <= longest);
  return longest > 0 && !address.includes('%') && isLength && rest.length === 0;
}

const RETRY_STATUS = /^([1-5]\d\d|[1-5]xx)$/;
const RETRY_DELAY_LIMIT_MS = 7 * UNIT_MS.d;
const ORIGIN = /^https?:\/\/[^/?#]+$/;

const serviceUrl = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && schemes.some((scheme) => text.toLowerCase().startsWith(`${scheme}://`)),
      `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    );

const PROXY_URL = 'a URL such as http://proxy.example:3128 (http:// or https://, without a path)';

function isProxyUrl(text: string): boolean {
  try {
    const { protocol, pathname, search, hash, username, password } = new URL(text);
    decodeURIComponent(username + password);
    return /^https?:\/\//i.test(text) && /^https?:$/.test(protocol) && pathname + search + hash === '/';
  } catch {
    return false;
  }
}

/**
 * Every environment variable: its limits, its default and the text of the README's table, in this one place.
 * A variable that is set to the empty string counts as not set.
 */
export const environmentSchema = z.object({
  ROLE: z
    .enum(['all', 'api', 'worker'])
    .default('all')
    .describe('What this process does: answer HTTP (`api`), make reports and deliver callbacks (`worker`), or both'),
  PORT: wholeNumber(0, 65_535).default(3000).describe('Port to listen on; 0 takes a free one'),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on. Anything but loopback opens the API to the network'),
  AUTH: z
    .enum(['open', 'required'])
    .default('open')
    .describe('Who may call: `open` is everyone who can reach the port, `required` is who has an API key'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'log', 'debug']).default('log').describe('Least severe level logged'),
  LOG_FORMAT: z.enum(['text', 'json']).default('text').describe('`json` writes one object a line'),
  DATA_DIR: z
    .string()
    .default('.daybook')
    .transform((path) => resolve(path))
    .describe('Folder of the report files and of the embedded Postgres'),
  DATABASE_URL: serviceUrl('postgres', 'postgresql')
    .optional()
    .describe('Postgres 14 or newer. Without it an embedded Postgres runs under `DATA_DIR`'),
  DATABASE_POOL: wholeNumber(2, 200).default(10).describe('Most connections to Postgres of one process'),
  DATABASE_PREPARE: z
    .enum(['on', 'off'])
    .default('on')
    .transform((text) => text === 'on')
    .describe('Named prepared statements; `off` behind a transaction-pooling PgBouncer older than 1.21'),
  REDIS_URL: serviceUrl('redis', 'rediss')
    .optional()
    .describe('Redis for the Bull queue and for shared rate limits. Without it both are in-process'),
  MAX_PENDING: wholeNumber(1, 10_000_000).default(1_000).describe('Most unfinished requests in one lane'),
  MAX_PENDING_TOTAL: wholeNumber(1, 100_000_000)
    .default(100_000)
    .describe('About the most unfinished requests in all lanes together, counted once a second'),
  MAX_EVENT_LOOP_LAG: duration(10, 60_000, 'a time from 10ms to 1m')
    .default(1_000)
    .describe('Mean lag of the event loop over a second, from which on requests are turned away'),
  MAX_DATABASE_WAIT: duration(10, 60_000, 'a time from 10ms to 1m')
    .default(5_000)
    .describe('Time a statement takes to get a connection and come back, from which on requests are turned away'),
  REPORT_THREADS: wholeNumber(1, 64)
    .optional()
    .describe('Threads that make reports, in each of the two pools (sync, async). Default: the number of cores'),
  SYNC_MAX_PENDING: wholeNumber(1, 100_000)
    .default(256)
    .describe('Most sync requests of one process in progress or waiting for a thread'),
  REPORT_TIMEOUT: duration(1_000, 86_400_000, 'a time from 1s to 1d')
    .default(600_000)
    .describe('Longest time of one report; then its thread is ended and the request fails'),
  LANE_LEASE: duration(2_000, 600_000, 'a time from 2s to 10m')
    .default(15_000)
    .describe('How long a worker that fell silent keeps its lanes; at least one and a half times `CALLBACK_TIMEOUT`'),
  SWEEP_INTERVAL: duration(100, 60_000, 'a time from 100ms to 1m')
    .default(2_000)
    .describe('How often each worker looks for work that no wake-up announced'),
  // Not below a day: an idempotency key is kept for that long, and no longer than its request.
  RETENTION: durationOrOff(UNIT_MS.d, 3_650 * UNIT_MS.d, 'a time from 1d to 3650d')
    .default(30 * UNIT_MS.d)
    .describe('How long finished requests are kept, with their logs and files; `off` keeps them for good'),
  SHUTDOWN_TIMEOUT: duration(0, 600_000, 'a time up to 10m')
    .default(30_000)
    .describe('How long a stopping process lets the work in hand finish'),
  REQUEST_TIMEOUT: duration(1_000, 600_000, 'a time from 1s to 10m')
    .default(30_000)
    .describe('Longest time in which a request must have arrived; its head has at most 10 s'),
  RATE_LIMIT_SYNC: rateLimit.default({ limit: 30, windowMs: 60_000 }).describe('Per caller on `POST /api/sync`'),
  RATE_LIMIT_ASYNC: rateLimit
    .default({ limit: 60, windowMs: 60_000 })
    .describe('Per caller on `POST /api/async` and `POST /api/batch`'),
  RATE_LIMIT_DEFAULT: rateLimit
    .default({ limit: 600, windowMs: 60_000 })
    .describe('Per caller on everything else but health, metrics, docs and the demo receiver'),
  TRUST_PROXY: trustProxy
    .default(false)
    .describe(
      'Whose `X-Forwarded-For` is believed: the number of proxies in front, or their subnets; `off` for nobody',
    ),
  CALLBACK_ALLOW: list
    .default([])
    .describe('Private callback targets to allow: `CIDR`, `host` or `host:port`, comma-separated'),
  CALLBACK_PROXY: z
    .string()
    .refine(isProxyUrl, PROXY_URL)
    .optional()
    .describe('CONNECT proxy that callbacks go through. Without it they go straight, whatever `HTTPS_PROXY` says'),
  CALLBACK_TIMEOUT: duration(100, 60_000, 'a time from 100ms to 1m')
    .default(10_000)
    .describe('Longest time of one callback attempt, connecting and answering together'),
  CALLBACK_RETRY_DELAYS: list
    .refine(
      (delays) =>
        delays.length <= 20 &&
        delays.every((delay) => durationMs(delay) >= 1 && durationMs(delay) <= RETRY_DELAY_LIMIT_MS),
      'up to 20 times such as 2s,4s,8s, each at most 7d',
    )
    .transform((delays) => delays.map(durationMs))
    .default([2_000, 4_000, 8_000])
    .describe('Waits before the 2nd, 3rd, … callback attempt, each ± 25%'),
  CALLBACK_RETRY_STATUSES: list
    .refine((statuses) => statuses.every((status) => RETRY_STATUS.test(status)), 'statuses such as 5xx,429')
    .default(['5xx'])
    .describe('Callback answers that are tried again'),
  CALLBACK_ORDER: z
    .enum(['ordered', 'strict', 'unordered'])
    .default('ordered')
    .describe('Which callbacks of a lane to a destination wait for the one before: its first attempt, its end, none'),
  CALLBACK_SIGNATURE: z
    .enum(['v1', 'v1a', 'both'])
    .default('v1')
    .describe('How callbacks are signed: `v1` is HMAC-SHA256, `v1a` is Ed25519, `both` is both'),
  CALLBACK_SECRET: z
    .string()
    .refine((text) => callbackSecretBytes(text) !== null, CALLBACK_SECRET_FORMAT)
    .optional()
    .describe('The secret that callbacks are signed with, `whsec_…`. Without it the first start makes one'),
  CALLBACK_SECRET_OVERLAP: duration(0, 7 * UNIT_MS.d, 'a time up to 7d')
    .default(UNIT_MS.d)
    .describe('How long the secret before signs too, after a new one has come'),
  CORS_ORIGINS: list
    .refine(
      (origins) => origins.every((origin) => ORIGIN.test(origin)),
      'origins such as https://app.example.com, comma-separated',
    )
    .default([])
    .describe('Web origins whose pages may call the API'),
  DEMO_RECEIVER: z
    .enum(['on', 'off'])
    .optional()
    .transform((text) => text && text === 'on')
    .describe('The built-in callback receiver. Default `on`; `off` with `NODE_ENV=production` or `AUTH=required`'),
  NODE_ENV: z.string().default('development').describe('`production` turns the demo receiver off'),
});

type Environment = z.output<typeof environmentSchema>;

/** The settings of one process, validated; what the environment said, with every default filled in. */
export type Config = Omit<Environment, 'DEMO_RECEIVER'> & { DEMO_RECEIVER: boolean };

/** Injection token of the process's {@link Config}. */
export const CONFIG = Symbol('CONFIG');

/** The environment holds a value that is not allowed. The message is one line: variable, value, what is allowed. */
export class ConfigError extends Error {}

/** Variables whose value may hold a password and is therefore not shown. */
const SECRET = /URL|^CALLBACK_PROXY$|SECRET$|KEY|PASSWORD/;

/** What zod's own issue says about the one value that stands in the environment. */
function allowedText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

/**
 * Reads the settings from an environment.
 * @throws ConfigError naming the first variable that is wrong.
 */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { data, error } = environmentSchema.safeParse(set);
  if (error) {
    const issue = error.issues[0]!;
    const name = String(issue.path[0]);
    const value = SECRET.test(name) ? '(not shown)' : JSON.stringify(set[name]);
    throw new ConfigError(`${name}=${value} is not valid: it must be ${allowedText(issue)}`);
  }
  if (data.ROLE !== 'all' && !data.REDIS_URL) {
    // The in-process queue reaches nobody outside its process, so a split house needs Redis.
    throw new ConfigError(`ROLE="${data.ROLE}" is not valid: it must be all, unless REDIS_URL is set`);
  }
  const isOpen = data.AUTH === 'open';
  if (data.DEMO_RECEIVER && !isOpen) {
    // Every route needs a key then, and a callback bears none.
    throw new ConfigError('DEMO_RECEIVER="on" is not valid: it must be off with AUTH=required');
  }
  return { ...data, DEMO_RECEIVER: data.DEMO_RECEIVER ?? (data.NODE_ENV !== 'production' && isOpen) };
}

/** The settings of this process: `.env` in the working directory, then the environment, which wins. */
export function readConfig(): Config {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return parseConfig(process.env);
}

/** The environment for another Daybook: this one, but of Daybook's own variables only what is given. */
export function environmentWith(settings: Record<string, string>): NodeJS.ProcessEnv {
  const ours = Object.keys(environmentSchema.shape);
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.includes(name))), ...settings };
}

/** What a program of others needs of ours. No more: there are secrets, and PG… variables that would lead Postgres astray. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, SystemRoot, TEMP };
}
