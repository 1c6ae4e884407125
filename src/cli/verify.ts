import { readFile } from 'node:fs/promises';
import { NotARequest, readCapture } from '../callbacks/verify/captured-request.js';
import { verifyCapture } from '../callbacks/verify/verify-capture.js';
import { receiverSecrets } from '../platform/config/receiver-secrets.js';
import { printable } from '../platform/observability/printable.js';
import { durationMs } from '../platform/config/values.js';
import { type Command, UsageError, parseOptions } from './command.js';

const USAGE = `Usage: daybook verify [options] < request.txt

Checks whether a captured callback verifies, and explains why if it does not. The capture is the HTTP request as it
arrived: request line, headers, a blank line, the body, byte for byte.

  --secret       a secret whsec_… or a public key whpk_…; may be repeated, and one that fits is enough
  --secret-file  a file with a secret on each line; other users of the machine cannot read it from the process list
  --tolerance    how far webhook-timestamp may be from now, such as 5m (the default) or 7d
  --now          the time to compare it with, in seconds since 1970 or ISO 8601; the current time by default

Secrets may also be in the environment variable DAYBOOK_CALLBACK_SECRET, separated by spaces.
Exit code: 0 it verifies, 1 it does not, 2 the command or the capture is not valid.`;

/** Larger than any callback. */
const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;

const OPTIONS = {
  secret: { type: 'string', multiple: true },
  'secret-file': { type: 'string', multiple: true },
  tolerance: { type: 'string', default: '5m' },
  now: { type: 'string' },
} as const;

export const verify: Command = {
  name: 'daybook',
  usage: USAGE,
  run,
  exitCodeOf: (error) => (error instanceof NotARequest ? 2 : undefined),
};

async function run(args: string[]): Promise<number> {
  const options = await optionsOf(args);
  const { reason, detail } = verifyCapture(readCapture(await standardInput()), options);
  // The detail may quote the capture.
  console.log(printable(reason === null ? `verified: ${detail}` : `not verified (${reason}): ${detail}`));
  return reason === null ? 0 : 1;
}

async function optionsOf(args: string[]): Promise<{ secrets: string[]; toleranceMs: number; nowMs: number }> {
  const { values } = parseOptions({ args, options: OPTIONS });
  const files = await Promise.all((values['secret-file'] ?? []).map(secretsOf));
  const secrets = [...(values.secret ?? []), ...files.flat(), ...receiverSecrets()].filter((one) => one !== '');
  if (secrets.length === 0)
    throw new UsageError('--secret is missing, and so are --secret-file and DAYBOOK_CALLBACK_SECRET');
  const toleranceMs = durationMs(values.tolerance);
  if (Number.isNaN(toleranceMs)) throw new UsageError('--tolerance must be a time such as 30s, 5m or 7d');
  return { secrets, toleranceMs, nowMs: values.now === undefined ? Date.now() : timeMs(values.now) };
}

async function secretsOf(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split(/\s+/);
  } catch (error) {
    throw new UsageError(`--secret-file cannot be read: ${(error as Error).message}`);
  }
}

function timeMs(text: string): number {
  const ms = /^\d{1,11}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isNaN(ms))
    throw new UsageError('--now must be seconds since 1970, or a time such as 2026-03-01T12:00:00Z');
  return ms;
}

async function standardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_CAPTURE_BYTES) throw new NotARequest('The capture is longer than 16 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
