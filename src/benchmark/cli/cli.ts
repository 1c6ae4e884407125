import { randomBytes } from 'node:crypto';
import { VERSION } from '../../platform/package.js';
import { printable, printableLines } from '../../platform/observability/printable.js';
import { failuresOf } from '../engine/assertion.js';
import { CallbackReceiver } from '../engine/callback-receiver.js';
import { apiKeyOf } from './api-key.js';
import { BenchError, UsageError } from './cli-error.js';
import { type BenchOptions, USAGE, parseOptions, planOf } from './cli-options.js';
import { runLoad } from '../engine/engine.js';
import { readEnvironment } from './environment.js';
import { htmlReport } from './html-report.js';
import { jsonReport, settingsOf } from './json-report.js';
import type { LoadProgress, LoadResult } from '../engine/load-plan.js';
import { checkWritable, writeResult } from './output-file.js';
import { startOwnService } from './own-service.js';
import { progressLine, textReport } from './text-report.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const REACH_TIMEOUT_MS = 5_000;

/**
 * Runs a load test and publishes its results.
 * @returns The exit code: 0, or 1 when an assertion does not hold or callbacks were lost, repeated or out of order.
 */
async function bench(options: BenchOptions): Promise<number> {
  const apiKey = await apiKeyOf(options);
  for (const option of ['json', 'html'] as const) {
    const file = options[option];
    if (file !== undefined) await checkWritable(option, file);
  }
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.abort());
  const service = options.url === undefined ? await startOwnService(options.env) : null;
  let receiver: CallbackReceiver | null = null;
  try {
    const url = options.url ?? service!.url;
    await reach(url);
    if (options.mode !== 'sync') receiver = await openReceiver(options, url);
    const result = await runLoad(planOf(options, url, apiKey), receiver, showProgress(), stopped.signal);
    endProgress();
    if (stopped.signal.aborted) throw new BenchError('Stopped before the end; there are no results');
    await publish(options, result);
    return verdict(options, result, receiver);
  } finally {
    await receiver?.close();
    await service?.stop();
  }
}

/** @throws BenchError when no Daybook answers at the URL. */
async function reach(url: string): Promise<void> {
  const signal = AbortSignal.timeout(REACH_TIMEOUT_MS);
  const answer = await fetch(`${url}/healthz`, { signal }).catch(() => null);
  if (!answer?.ok) throw new BenchError(`No Daybook answers at ${url}`);
  await answer.body?.cancel();
}

async function openReceiver(options: BenchOptions, url: string): Promise<CallbackReceiver> {
  const given = options['callback-host'];
  if (given === undefined && !LOOPBACK.has(new URL(url).hostname))
    throw new UsageError('--callback-host is required: the name or address at which the service reaches this machine');
  const listenHost = given === undefined ? '127.0.0.1' : '0.0.0.0';
  const token = `run_${randomBytes(16).toString('hex')}`;
  const plan = { listenHost, port: options['callback-port'], publicHost: given ?? '127.0.0.1', token };
  return CallbackReceiver.open(plan).catch((error: unknown) => {
    throw new BenchError(`The callback receiver cannot listen on port ${plan.port}: ${String(error)}`);
  });
}

function showProgress(): (progress: LoadProgress) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return (progress) => void process.stderr.write(`\r\u001b[2K${progressLine(progress)}`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
}

async function publish(options: BenchOptions, result: LoadResult): Promise<void> {
  const settings = settingsOf(options);
  const environment = readEnvironment();
  console.log(printableLines(textReport(result, settings, environment)));
  const json = jsonReport(result, options, environment);
  if (options.json !== undefined) await writeResult(options.json, `${JSON.stringify(json, null, 2)}\n`);
  if (options.html !== undefined) await writeResult(options.html, htmlReport(result, settings, environment));
}

/** Prints each failure of the run in a line. @returns The exit code. */
function verdict(options: BenchOptions, result: LoadResult, receiver: CallbackReceiver | null): number {
  const failures = failuresOf(options.assertions, result);
  const stages = [result.sync, result.async].filter((stage) => stage !== null);
  for (const { mode, successful } of stages) if (successful === 0) failures.push(`No ${mode} request succeeded`);
  const { fifoInversions = 0, duplicates = 0, lost = 0 } = result.async?.callbacks ?? {};
  if (fifoInversions + duplicates + lost > 0)
    failures.push(`The order was violated: lost ${lost}, duplicates ${duplicates}, out of order ${fifoInversions}`);
  for (const failure of failures) console.error(`FAILED  ${printable(failure)}`);
  if (stages.some(({ errors }) => errors['429'])) {
    console.error('The service limits requests: start it with RATE_LIMIT_SYNC=off RATE_LIMIT_ASYNC=off.');
  }
  if (receiver && result.async?.errors['400']) {
    const { host } = new URL(receiver.origin);
    console.error(
      `The service refuses callbacks to ${host}: start it with CALLBACK_ALLOW=${host}, and set the port with --callback-port.`,
    );
  }
  return failures.length > 0 ? 1 : 0;
}

/** Runs the command line. Expected errors become one line on stderr. @returns The exit code: 0, 1 or 2. */
export async function main(args: string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (typeof options === 'object') return await bench(options);
    console.log(options === 'help' ? USAGE : VERSION);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof BenchError)) throw error;
    console.error(printableLines(error.message));
    return error instanceof UsageError ? 2 : 1;
  }
}
