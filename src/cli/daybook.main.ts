import { parseArgs } from 'node:util';
import { NotARequest, readCapture } from '../callbacks/verify/captured-request.js';
import { verifyCapture } from '../callbacks/verify/verify-capture.js';
import { durationMs } from '../platform/config/values.js';

const USAGE = `Usage: daybook verify --secret whsec_… [--secret …] [--tolerance 5m] [--now TIME] < request.txt

Says whether a captured callback verifies, and if not, why. The capture is the HTTP request as it came in: request
line, headers, a blank line, the body, byte for byte.

  --secret     whsec_… or the public key whpk_…; one of several that fits is enough
  --tolerance  how far webhook-timestamp may be from now, such as 5m (the default) or 7d
  --now        the time to compare it with, as seconds since 1970 or ISO 8601; by default the clock's

Exit code: 0 it verifies, 1 it does not, 2 the command or the capture cannot be understood.`;

/** Larger than any callback. */
const MAX_CAPTURE_BYTES = 16 * 1024 * 1024;

/** The command cannot be understood. */
class UsageError extends Error {}

function timeMs(text: string): number {
  const ms = /^\d{1,11}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isNaN(ms))
    throw new UsageError('--now must be seconds since 1970, or a time such as 2026-03-01T12:00:00Z');
  return ms;
}

function parsed(args: string[]) {
  const options = {
    secret: { type: 'string', multiple: true },
    tolerance: { type: 'string', default: '5m' },
    now: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function optionsOf(args: string[]): { secrets: string[]; toleranceMs: number; nowMs: number } {
  const { secret = [], tolerance, now } = parsed(args);
  const secrets = secret.filter((one) => one !== '');
  if (secrets.length === 0) throw new UsageError('--secret is missing');
  const toleranceMs = durationMs(tolerance);
  if (Number.isNaN(toleranceMs)) throw new UsageError('--tolerance must be a time such as 30s, 5m or 7d');
  return { secrets, toleranceMs, nowMs: now === undefined ? Date.now() : timeMs(now) };
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

async function run([command, ...args]: string[]): Promise<number> {
  if (command === '--help' || command === '-h' || args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  if (command !== 'verify')
    throw new UsageError(command === undefined ? 'A command is missing' : `There is no command ${command}`);
  const options = optionsOf(args);
  const { reason, detail } = verifyCapture(readCapture(await standardInput()), options);
  console.log(reason === null ? `verified: ${detail}` : `not verified (${reason}): ${detail}`);
  return reason === null ? 0 : 1;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof NotARequest)) throw error;
  console.error(error instanceof UsageError ? `daybook: ${error.message}\n\n${USAGE}` : `daybook: ${error.message}`);
  process.exitCode = 2;
}
