import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Assertion, parseAssertion } from '../engine/assertion.js';
import { UsageError } from './cli-error.js';
import { checkSettings } from './service-settings.js';
import { LOAD_MODES, type LoadPlan, requestBody } from '../engine/load-plan.js';

export const USAGE = `Usage: npm run bench -- [options]

  --url URL               the service to measure; by default a new one is started and stopped
  --mode MODE             sync, async or both (both)
  --report TYPE           transactions or digest (transactions)
  --num-transactions N    rows of each report (50)
  --iterations N          rounds of each digest (50000)
  --num-requests N        requests in all, in each mode (200; with --rate those of --duration, at most N)
  --concurrency N         closed model: clients at once (20)
  --rate N                open model: requests per second, sent without waiting for answers
  --duration TIME         open model: duration, such as 30s or 2m (30s)
  --ramp TIME             open model: time over which the rate rises from 0 (0s)
  --warm-up N             requests of each mode sent first and not counted (2000; with --url 0)
  --assert 'METRIC<LIMIT' exit with 1 unless it holds, such as accept.p99<50; may be repeated
  --json FILE             write the results as JSON
  --html FILE             write a self-contained HTML report
  --api-key KEY           API key to send; DAYBOOK_API_KEY or a file keep it out of the process list
  --api-key-file FILE     read the API key from a file
  --callback-host HOST    name or address at which the service reaches this machine (127.0.0.1)
  --callback-port PORT    port of the callback receiver (a free one)
  --env NAME=VALUE        a setting of the service that is started; may be repeated
  --help, --version`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 } as const;
const MAX_DURATION_MS = 3_600_000;
const MAX_REQUESTS = 1_000_000;
/** The first requests take several times longer, until V8 has compiled the service and the load generator. */
const WARM_UP = 2_000;
/** Requests of the closed model. */
const REQUESTS = 200;

const whole = (min: number, max: number) =>
  z
    .string()
    .refine(
      (text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max,
      `a whole number from ${min} to ${max}`,
    )
    .transform(Number);
const time = z
  .string()
  .refine(
    (text) => /^\d+(ms|s|m)$/.test(text) && millis(text) <= MAX_DURATION_MS,
    'a time such as 500ms, 30s or 2m, at most 60m',
  )
  .transform(millis);

function millis(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

const optionsSchema = z.object({
  url: z
    .string()
    .refine((text) => /^https?:\/\/[^/]+\/?$/.test(text) && URL.canParse(text), 'a URL such as http://localhost:3000')
    .transform((text) => text.replace(/\/$/, ''))
    .optional(),
  mode: z.enum(LOAD_MODES, `one of ${LOAD_MODES.join(', ')}`).default('both'),
  report: z.enum(['transactions', 'digest'], 'transactions or digest').default('transactions'),
  'num-transactions': whole(1, 1_000_000).default(50),
  iterations: whole(1, 1_000_000).default(50_000),
  'num-requests': whole(1, MAX_REQUESTS).optional(),
  concurrency: whole(1, 1_000).default(20),
  rate: z
    .string()
    .refine((text) => Number(text) > 0 && Number(text) <= 20_000, 'a number up to 20000')
    .transform(Number)
    .optional(),
  duration: time.default(30_000),
  ramp: time.default(0),
  'warm-up': whole(0, MAX_REQUESTS).optional(),
  assert: z.array(z.string()).default([]),
  json: z.string().min(1).optional(),
  html: z.string().min(1).optional(),
  'api-key': z.string().min(1).optional(),
  'api-key-file': z.string().min(1).optional(),
  'callback-host': z.string().min(1).optional(),
  'callback-port': whole(0, 65_535).default(0),
  env: z
    .array(z.string().regex(/^[A-Z][A-Z0-9_]*=/, 'NAME=VALUE'))
    .default([])
    .transform((entries) =>
      Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2)) as [string, string][]),
    ),
});

export type BenchOptions = Omit<z.output<typeof optionsSchema>, 'assert' | 'warm-up'> & {
  assertions: Assertion[];
  'warm-up': number;
};

const REPEATABLE = new Set(['assert', 'env']);

/** Options that a run would ignore, and the option that they need or exclude. */
const CONFLICTS: [options: string[], isIgnored: (options: BenchOptions) => boolean, reason: string][] = [
  [['duration', 'ramp'], ({ rate }) => rate === undefined, 'belongs to the open model; give --rate'],
  [['num-transactions'], ({ report }) => report === 'digest', 'belongs to --report transactions'],
  [['iterations'], ({ report }) => report !== 'digest', 'belongs to --report digest'],
  [
    ['callback-host', 'callback-port'],
    ({ mode }) => mode === 'sync',
    'belongs to async requests; leave out --mode sync',
  ],
];

/**
 * Parses the command line.
 * @returns The options with their defaults, or the name of the option that asks for a text instead of a run.
 * @throws UsageError for an unknown option, an invalid value, or an option that the run would ignore.
 */
export function parseOptions(args: string[]): BenchOptions | 'help' | 'version' {
  const given = rawOptions(args);
  if (given.help) return 'help';
  if (given.version) return 'version';
  const { data, error } = optionsSchema.safeParse(given);
  if (error) {
    const { path, message } = error.issues[0]!;
    const name = String(path[0]);
    throw new UsageError(`--${name} ${String(given[name])} is not valid: it must be ${message}`);
  }
  const { assert, 'warm-up': warmUp = data.url === undefined ? WARM_UP : 0, ...rest } = data;
  const requests = rest['num-requests'] ?? (rest.rate === undefined ? REQUESTS : undefined);
  const options = { ...rest, 'num-requests': requests, 'warm-up': warmUp, assertions: assert.map(parseAssertion) };
  checkTogether(options, given);
  checkSettings(options.env);
  return options;
}

/** @throws UsageError for options that contradict each other. */
function checkTogether(options: BenchOptions, given: Record<string, unknown>): void {
  for (const [names, isIgnored, reason] of CONFLICTS) {
    const name = isIgnored(options) ? names.find((one) => given[one] !== undefined) : undefined;
    if (name !== undefined) throw new UsageError(`--${name} ${reason}`);
  }
  if (options.rate !== undefined && (options.rate * options.duration) / 1_000 > MAX_REQUESTS)
    throw new UsageError(`--rate times --duration must be at most ${MAX_REQUESTS} requests`);
  if (options.url !== undefined && Object.keys(options.env).length > 0)
    throw new UsageError('--env configures the service that the run starts; leave out --url');
  if (options.ramp > options.duration) throw new UsageError('--ramp must not be longer than --duration');
  if (options['api-key'] !== undefined && options['api-key-file'] !== undefined)
    throw new UsageError('Give --api-key or --api-key-file, not both');
}

function rawOptions(args: string[]): Record<string, unknown> {
  const names = Object.keys(optionsSchema.shape);
  const options = Object.fromEntries(
    names.map((name) => [name, { type: 'string' as const, multiple: REPEATABLE.has(name) }]),
  );
  try {
    const flags = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'V' } } as const;
    return parseArgs({ args, options: { ...options, ...flags }, allowPositionals: false }).values;
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split(/\.?\n|\. /);
    throw new UsageError(`${line}; --help lists the options`);
  }
}

/** @returns The plan of a run against `targetUrl`, with the API key in its headers. */
export function planOf(options: BenchOptions, targetUrl: string, apiKey?: string): LoadPlan {
  const { rate, report, 'num-requests': maxRequests } = options;
  return {
    mode: options.mode,
    targetUrl,
    body: requestBody(report, { iterations: options.iterations, rows: options['num-transactions'] }),
    model:
      rate === undefined
        ? { kind: 'closed', requests: options['num-requests'] ?? REQUESTS, concurrency: options.concurrency }
        : { kind: 'open', ratePerS: rate, durationMs: options.duration, rampMs: options.ramp, maxRequests },
    warmUp: options['warm-up'],
    lane: `benchmark-${Date.now()}`,
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    patienceMs: 30_000,
  };
}
