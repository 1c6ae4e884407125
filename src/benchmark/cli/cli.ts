import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { failuresOf } from '../engine/assertion.js';
import { CallbackReceiver } from '../engine/callback-receiver.js';
import { BenchError, UsageError } from './cli-error.js';
import { type BenchOptions, USAGE, parseOptions, planOf } from './cli-options.js';
import { runLoad } from '../engine/engine.js';
import { htmlReport } from './html-report.js';
import type { LoadProgress, LoadResult } from '../engine/load-plan.js';
import { startOwnService } from './own-service.js';
import { surroundings } from './surroundings.js';
import { progressLine, textReport } from './text-report.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const REACH_TIMEOUT_MS = 5_000;

/** @returns The exit code: 0, or 1 when an assertion or a promise of the service does not hold. */
async function bench(options: BenchOptions): Promise<number> {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.abort());
  const service = options.url === undefined ? await startOwnService(options.env) : null;
  let receiver: CallbackReceiver | null = null;
  try {
    const url = options.url ?? service!.url;
    await reach(url);
    if (options.mode !== 'sync') receiver = await openReceiver(options, url);
    const result = await runLoad(planOf(options, url), receiver, showProgress(), stopped.signal);
    endProgress();
    if (stopped.signal.aborted) throw new BenchError('Stopped; nothing was measured in full');
    await publish(options, result);
    return verdict(options, result, receiver);
  } finally {
    await receiver?.close();
    await service?.stop();
  }
}

/** @throws BenchError when nobody answers there. */
async function reach(url: string): Promise<void> {
  const signal = AbortSignal.timeout(REACH_TIMEOUT_MS);
  const answer = await fetch(`${url}/healthz`, { signal }).catch(() => null);
  if (!answer?.ok) throw new BenchError(`No Daybook answers at ${url}`);
  await answer.body?.cancel();
}

async function openReceiver(options: BenchOptions, url: string): Promise<CallbackReceiver> {
  const given = options['callback-host'];
  if (given === undefined && !LOOPBACK.has(new URL(url).hostname))
    throw new UsageError('--callback-host is needed: the name or address under which the service reaches this machine');
  const listenHost = given === undefined ? '127.0.0.1' : '0.0.0.0';
  const token = `run_${randomBytes(16).toString('hex')}`;
  const plan = { listenHost, port: options['callback-port'], publicHost: given ?? '127.0.0.1', token };
  return CallbackReceiver.open(plan).catch((error: unknown) => {
    throw new BenchError(`Callbacks cannot be received on port ${plan.port}: ${String(error)}`);
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
  const { 'api-key': _, assertions, env: __, ...settings } = options;
  const around = surroundings();
  console.log(textReport(result, settings, around));
  const asserted = assertions.map(({ text }) => text);
  const json = { ...result, settings, assertions: asserted, failed_assertions: failuresOf(assertions, result), around };
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(json, null, 2)}\n`);
  if (options.html !== undefined) await writeFile(options.html, htmlReport(result, settings, around));
}

/** What speaks against the run, each in a line. */
function verdict(options: BenchOptions, result: LoadResult, receiver: CallbackReceiver | null): number {
  const failures = failuresOf(options.assertions, result);
  const stages = [result.sync, result.async].filter((stage) => stage !== null);
  for (const { mode, successful } of stages) if (successful === 0) failures.push(`No ${mode} request was answered`);
  const { fifoInversions = 0, duplicates = 0, lost = 0 } = result.async?.callbacks ?? {};
  if (fifoInversions + duplicates + lost > 0)
    failures.push(`A promise is broken: lost ${lost}, duplicates ${duplicates}, out of order ${fifoInversions}`);
  for (const failure of failures) console.error(`FAILED  ${failure}`);
  if (stages.some(({ errors }) => errors['429'])) {
    console.error('The service limits its callers: start it with RATE_LIMIT_SYNC=off RATE_LIMIT_ASYNC=off.');
  }
  if (receiver && result.async?.errors['400']) {
    const { host } = new URL(receiver.origin);
    console.error(
      `The service refuses callbacks to ${host}: start it with CALLBACK_ALLOW=${host}, --callback-port fixes the port.`,
    );
  }
  return failures.length > 0 ? 1 : 0;
}

/** Reads the command line, runs, and says what is wrong in one line. */
export async function main(args: string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options) return await bench(options);
    console.log(USAGE);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof BenchError)) throw error;
    console.error(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}
