/** The load test's command line measures a service and reports the result as text, JSON, HTML and an exit code. */
import { execFile } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type BenchOptions, parseOptions, planOf } from '../../src/benchmark/cli/cli-options.js';
import { requestCount } from '../../src/benchmark/engine/arrivals.js';
import { DATABASE_ENVIRONMENT, createDatabase } from '../support/database.js';
import { startDaybook } from '../support/daybook.js';
import { temporaryFolder } from '../support/folder.js';
import { UNLIMITED } from '../support/submit.js';

const CLI = fileURLToPath(new URL('../../dist/src/benchmark/cli/cli.main.js', import.meta.url));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Every name in a JSON value, except the kinds of errors, which are data. */
function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return Object.entries(value).flatMap(([name, of]) => [name].concat(name === 'errors' ? [] : namesIn(of)));
}

function bench(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { timeout: 50_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

describe('npm run bench', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });

  it('starts its own service, loses no callback, writes its reports and exits with 0', async () => {
    const database = await createDatabase();
    const [json, html] = [join(folder, 'out.json'), join(folder, 'out.html')];
    const work = ['--mode', 'both', '--num-requests', '100', '--concurrency', '30', '--report', 'digest'];
    const files = ['--iterations', '1000', '--warm-up', '50', '--json', json, '--html', html, '--assert', 'lost=0'];
    // The run reads the service's URL from its log, so it overrides LOG_LEVEL.
    const settings = Object.entries({ DATABASE_URL: database.url, ...DATABASE_ENVIRONMENT, LOG_LEVEL: 'fatal' });
    const env = settings.flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const { code, stdout, stderr } = await bench(...work, ...files, ...env);
    await database.drop();
    expect([code, stderr]).toEqual([0, '']);
    for (const title of ['sync response', 'async accept', 'async callback'])
      expect(stdout).toMatch(new RegExp(`^${title} +100 +\\d`, 'm'));
    expect(stdout).toContain('lost 0, duplicates 0, out of order 0');
    expect(stdout).toMatch(/An async caller has its answer [\d.]+ times (sooner|later)/);
    const result = JSON.parse(await readFile(json, 'utf8'));
    expect(result.sync).toMatchObject({ successful: 100, failed: 0, errors: {} });
    expect(result.async).toMatchObject({ successful: 100, callbacks: { received: 100, lost: 0, duplicates: 0 } });
    expect(result.async.callbacks).toMatchObject({ fifo_inversions: 0, latency: { count: 100 } });
    expect(result.settings).not.toHaveProperty('env');
    expect(result.settings).toMatchObject({ warm_up: 50, num_requests: 100, duration_ms: 30_000 });
    expect(namesIn(result).filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([]);
    const page = await readFile(html, 'utf8');
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toContain('<polyline');
    // The page is self-contained: it loads no other resource.
    expect(page).not.toMatch(/<script|<link|src=|href=|url\(|@import/);
  });

  it('measures the service at --url and exits with 1 when an assertion does not hold', async () => {
    const daybook = await startDaybook({ env: UNLIMITED });
    const small = ['--url', daybook.url, '--num-requests', '5', '--concurrency', '2', '--num-transactions', '1'];
    const failed = await bench(...small, '--assert', 'accept.p99<0.001', '--assert', 'callback.count>=5');
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/^FAILED {2}accept\.p99<0\.001 does not/)]);
    expect(failed.stderr).not.toContain('callback.count');
    expect((await bench(...small, '--mode', 'async', '--rate', '50', '--duration', '500ms')).code).toBe(0);
  });

  it('names the settings that the service at --url needs', async () => {
    const env = { CALLBACK_ALLOW: '', RATE_LIMIT_SYNC: '1/1h' };
    const { url } = await startDaybook({ env });
    const { code, stderr } = await bench('--url', url, '--num-requests', '3');
    expect(code).toBe(1);
    expect(stderr).toMatch(/start it with RATE_LIMIT_SYNC=off/);
    expect(stderr).toMatch(/start it with CALLBACK_ALLOW=127\.0\.0\.1:\d+/);
  });

  it('exits with 1 and one line when the service does not answer', async () => {
    const { code, stderr } = await bench('--url', 'http://127.0.0.1:1');
    expect([code, stderr]).toEqual([1, 'No Daybook answers at http://127.0.0.1:1\n']);
  });

  it('leaves the result files of an earlier run as they are until it has results', async () => {
    const [old, none] = [join(folder, 'old.json'), join(folder, 'none.html')];
    await writeFile(old, '{}');
    expect((await bench('--url', 'http://127.0.0.1:1', '--json', old, '--html', none)).code).toBe(1);
    expect(await readFile(old, 'utf8')).toBe('{}');
    await expect(access(none)).rejects.toThrow('ENOENT');
  });

  it('sends at most --num-requests, also with --rate', () => {
    const count = (...args: string[]): number =>
      requestCount(planOf(parseOptions(args) as BenchOptions, 'http://127.0.0.1:1').model);
    expect(count()).toBe(200);
    expect(count('--num-requests', '7')).toBe(7);
    expect(count('--rate', '50', '--duration', '500ms')).toBe(25);
    expect(count('--rate', '50', '--duration', '500ms', '--num-requests', '5')).toBe(5);
    expect(count('--rate', '50', '--duration', '500ms', '--num-requests', '500')).toBe(25);
  });

  it('warms up a service that it starts, but not one at --url', () => {
    expect(parseOptions([])).toMatchObject({ 'warm-up': 2_000 });
    expect(parseOptions(['--url', 'http://127.0.0.1:1'])).toMatchObject({ 'warm-up': 0 });
  });

  it.each([
    [['--mode', 'fast'], '--mode fast is not valid: it must be one of sync, async, both'],
    [['--num-requests', '0'], '--num-requests 0 is not valid: it must be a whole number from 1 to 1000000'],
    [['--duration', '1d'], '--duration 1d is not valid: it must be a time such as 500ms, 30s or 2m, at most 60m'],
    [['--warm-up', 'no'], '--warm-up no is not valid: it must be a whole number from 0 to 1000000'],
    [['--colour'], "Unknown option '--colour'; --help lists the options"],
    [['fast'], expect.stringContaining("Unexpected argument 'fast'")],
    [['--assert', 'accept.p98<5'], expect.stringContaining('--assert accept.p98<5 is not valid: compare')],
    [['--rate', '20000', '--duration', '60m'], '--rate times --duration must be at most 1000000 requests'],
    [['--url', 'http://localhost:1', '--env', 'A=b'], expect.stringContaining('leave out --url')],
    [['--env', 'MAX_PENDIN=1'], '--env: The variable MAX_PENDIN is not a setting. Did you mean MAX_PENDING?'],
    [['--env', 'MAX_PENDING=x'], expect.stringMatching(/^--env MAX_PENDING="x" is not valid: it must be /)],
    [['--rate', '5', '--duration', '10s', '--ramp', '60s'], '--ramp must not be longer than --duration'],
    [['--duration', '10s'], '--duration belongs to the open model; give --rate'],
    [['--ramp', '0s'], '--ramp belongs to the open model; give --rate'],
    [['--iterations', '10'], '--iterations belongs to --report digest'],
    [['--report', 'digest', '--num-transactions', '10'], '--num-transactions belongs to --report transactions'],
    [['--mode', 'sync', '--callback-port', '80'], '--callback-port belongs to async requests; leave out --mode sync'],
    [['--api-key', 'a', '--api-key-file', 'b'], 'Give --api-key or --api-key-file, not both'],
    [
      ['--api-key-file', '/nowhere/key'],
      expect.stringMatching(/^--api-key-file \/nowhere\/key cannot be read: ENOENT/),
    ],
    [['--json', '/nowhere/a.json'], expect.stringMatching(/^--json \/nowhere\/a.json cannot be written: ENOENT/)],
    [['--html', '/'], expect.stringMatching(/^--html \/ cannot be written: EISDIR/)],
  ])('exits with 2 and one line for %j', async (args, line) => {
    const { code, stdout, stderr } = await bench(...args);
    expect([code, stdout, stderr.trimEnd()]).toEqual([2, '', line]);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('lists its options for --help, and prints its version', async () => {
    for (const help of ['--help', '-h']) {
      const { code, stdout } = await bench(help);
      expect([code, stdout]).toEqual([0, expect.stringContaining('--concurrency N')]);
    }
    for (const version of ['--version', '-V'])
      expect(await bench(version)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});
