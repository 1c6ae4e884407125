import { parseArgs } from 'node:util';
import { z } from 'zod';
import { type Assertion, parseAssertion } from '../engine/assertion.js';
import { UsageError } from './cli-error.js';
import { LOAD_MODES, type LoadPlan } from '../engine/load-plan.js';

export const USAGE = `Usage: npm run bench -- [options]

  --url URL               the service to measure; without it one is started, and stopped afterwards
  --mode MODE             sync, async or both (both)
  --report TYPE           transactions or digest (transactions)
  --num-transactions N    rows of each report (50)
  --iterations N          rounds of each digest (50000)
  --num-requests N        closed model: requests in all, in each mode (200)
  --concurrency N         closed model: clients at once (20)
  --rate N                open model: requests a second, whatever becomes of them
  --duration TIME         open model: how long, such as 30s or 2m (30s)
  --ramp TIME             open model: how long the rate grows from nothing (0s)
  --warm-up N             requests of each mode that go before and do not count (2000; with --url 0)
  --assert 'WHAT<LIMIT'   fail unless it holds, e.g. accept.p99<50; may be repeated
  --json FILE             write the results as JSON
  --html FILE             write a report that is one file
  --api-key KEY           sent as Authorization: Bearer KEY
  --callback-host HOST    where the service under --url reaches this machine (127.0.0.1)
  --callback-port PORT    port of the callback receiver (a free one)
  --env NAME=VALUE        without --url: a setting of the service that is started; may be repeated
  --help`;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 } as const;
const MAX_DURATION_MS = 3_600_000;
const MAX_REQUESTS = 1_000_000;
/** Until the service's code and ours are compiled: the first requests take several times as long as the later ones. */
const WARM_UP = 2_000;

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
  'num-requests': whole(1, MAX_REQUESTS).default(200),
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

const MANY = new Set(['assert', 'env']);

/**
 * Reads the command line.
 * @returns null when help is asked for.
 * @throws UsageError, one line.
 */
export function parseOptions(args: string[]): BenchOptions | null {
  const given = rawOptions(args);
  if (given.help) return null;
  const { data, error } = optionsSchema.safeParse(given);
  if (error) {
    const { path, message } = error.issues[0]!;
    const name = String(path[0]);
    throw new UsageError(`--${name} ${String(given[name])} is not valid: it must be ${message}`);
  }
  const { assert, ...options } = data;
  if (options.rate !== undefined && (options.rate * options.duration) / 1_000 > MAX_REQUESTS)
    throw new UsageError(`--rate times --duration must be at most ${MAX_REQUESTS} requests`);
  if (options.url !== undefined && Object.keys(options.env).length > 0)
    throw new UsageError('--env is for a service that is started here; leave out --url');
  const warmUp = options['warm-up'] ?? (options.url === undefined ? WARM_UP : 0);
  return { ...options, 'warm-up': warmUp, assertions: assert.map(parseAssertion) };
}

function rawOptions(args: string[]): Record<string, unknown> {
  const names = Object.keys(optionsSchema.shape);
  const options = Object.fromEntries(
    names.map((name) => [name, { type: 'string' as const, multiple: MANY.has(name) }]),
  );
  try {
    return parseArgs({ args, options: { ...options, help: { type: 'boolean' } }, allowPositionals: false }).values;
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split(/\.?\n|\. /);
    throw new UsageError(`${line}; --help lists the options`);
  }
}

/** What the engine is to do. */
export function planOf(options: BenchOptions, targetUrl: string): LoadPlan {
  const { rate, report } = options;
  return {
    mode: options.mode,
    targetUrl,
    body:
      report === 'digest'
        ? { input_data: 'benchmark', iterations: options.iterations }
        : { num_transactions: options['num-transactions'], report_name: 'Benchmark' },
    model:
      rate === undefined
        ? { kind: 'closed', requests: options['num-requests'], concurrency: options.concurrency }
        : { kind: 'open', ratePerS: rate, durationMs: options.duration, rampMs: options.ramp },
    warmUp: options['warm-up'],
    lane: `benchmark-${Date.now()}`,
    headers: options['api-key'] === undefined ? {} : { authorization: `Bearer ${options['api-key']}` },
    patienceMs: 30_000,
  };
}
