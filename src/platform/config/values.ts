import { isIP } from 'node:net';
import { z } from 'zod';

/** Milliseconds in each unit of a duration. */
export const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d+)(ms|s|m|h|d)$/;

/** Returns the milliseconds of a duration such as `10s`; NaN for any other text. */
export function durationMs(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  return amount && unit ? Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS] : Number.NaN;
}

/**
 * A duration such as `10s` or `500ms`; the parsed value is in milliseconds.
 * @param allowed Completes "it must be …" in the error message.
 */
export const duration = (minMs: number, maxMs: number, allowed: string) =>
  z
    .string()
    .refine((text) => durationMs(text) >= minMs && durationMs(text) <= maxMs, allowed)
    .transform(durationMs);

/** A duration, or `off`, which is parsed to null. */
export const durationOrOff = (minMs: number, maxMs: number, allowed: string) =>
  z
    .string()
    .refine((text) => text === 'off' || (durationMs(text) >= minMs && durationMs(text) <= maxMs), `${allowed}, or off`)
    .transform((text): number | null => (text === 'off' ? null : durationMs(text)));

const UNIT_BYTES: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 };
const SIZE = /^(\d{1,9})(b|kb|mb|gb|tb)$/;
const PERCENTAGE = /^(\d{1,2}(?:\.\d{1,2})?)%$/;

/** Returns the bytes of a size such as `10gb`, in powers of 1,024; NaN for any other text. */
export function sizeBytes(text: string): number {
  const [, amount, unit] = SIZE.exec(text) ?? [];
  return amount && unit ? Number(amount) * UNIT_BYTES[unit]! : Number.NaN;
}

/** A size in bytes, or `off`, which is parsed to null. */
export const bytesOrOff = z
  .string()
  .refine((text) => text === 'off' || sizeBytes(text) > 0, 'a size such as 500mb, 10gb or 2tb, or off')
  .transform((text): number | null => (text === 'off' ? null : sizeBytes(text)));

/** Free space on a disk: an amount, or a share of its size from 0 to 1. */
export type FreeSpace = { bytes: number } | { share: number };

/** Free space on a disk, or `off`, which is parsed to null. */
export const freeSpace = z
  .string()
  .refine(
    (text) => text === 'off' || sizeBytes(text) > 0 || PERCENTAGE.test(text),
    'a size such as 500mb or 10gb, a percentage of the disk such as 5%, or off',
  )
  .transform((text): FreeSpace | null => {
    if (text === 'off') return null;
    const [, percent] = PERCENTAGE.exec(text) ?? [];
    return percent === undefined ? { bytes: sizeBytes(text) } : { share: Number(percent) / 100 };
  });

/** A comma-separated list; empty entries are dropped. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

/** A list of some of the given names, without repetitions. */
export const someOf = <const Name extends string>(names: readonly Name[]) =>
  list
    .refine((entries) => entries.every((entry) => isOneOf(names, entry)), `names such as ${names.join(',')}`)
    .transform((entries): readonly Name[] => names.filter((name) => entries.includes(name)));

const isOneOf = (names: readonly string[], entry: string): boolean => names.includes(entry);

const MAX_RETRIES = 20;
const LONGEST_RETRY_DELAY_MS = 7 * UNIT_MS.d;

/**
 * The delays of a retry schedule, parsed to milliseconds.
 * @param example Delays for the error message.
 */
export const retryDelays = (example: string) =>
  list
    .refine(
      (delays) =>
        delays.length <= MAX_RETRIES &&
        delays.every((delay) => durationMs(delay) >= 1 && durationMs(delay) <= LONGEST_RETRY_DELAY_MS),
      `up to ${MAX_RETRIES} times such as ${example}, each at most 7d`,
    )
    .transform((delays) => delays.map(durationMs));

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine(
      (text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max,
      `a whole number from ${min} to ${max}`,
    )
    .transform(Number);

/** A limit such as `30/60s`: at most `limit` requests in `windowMs` milliseconds. */
export interface RateLimit {
  limit: number;
  windowMs: number;
}

const RATE_WINDOW_LIMIT_MS = 7 * UNIT_MS.d;

/** A rate limit, or `off`, which is parsed to null. */
export const rateLimit = z
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

/** The number of proxies or their subnets, as Express' `trust proxy` takes them; `off` is parsed to false. */
export const trustProxy = z
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

/** A `*` is a character that a host may have, but never a browser's origin: it would match nothing. */
const ORIGIN = /^https?:\/\/[^/?#@*]+$/i;

/**
 * @returns An origin as browsers serialize it (RFC 6454, section 6.2): lower case, without the default port; null for text
 * that is not one.
 */
export function serializedOrigin(text: string): string | null {
  return ORIGIN.test(text) && URL.canParse(text) ? new URL(text).origin : null;
}

/** A list of web origins, parsed to their serialized form. */
export const origins = list
  .refine(
    (entries) => entries.every((origin) => serializedOrigin(origin) !== null),
    'origins such as https://app.example.com, comma-separated',
  )
  .transform((entries) => entries.map((origin) => serializedOrigin(origin)!));

/** Whether every percent sign of a text begins a sequence of UTF-8 (RFC 3986, section 2.1). */
export function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** The URL of a service with one of the schemes. */
export const serviceUrl = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && schemes.some((scheme) => text.toLowerCase().startsWith(`${scheme}://`)),
      `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    );

/** The URL of a CONNECT proxy: http or https, without a path. */
export const proxyUrl = z
  .string()
  .refine(isProxyUrl, 'a URL such as http://proxy.example:3128 (http:// or https://, without a path)');

function isProxyUrl(text: string): boolean {
  try {
    const { protocol, pathname, search, hash, username, password } = new URL(text);
    decodeURIComponent(username + password);
    return /^https?:\/\//i.test(text) && /^https?:$/.test(protocol) && pathname + search + hash === '/';
  } catch {
    return false;
  }
}
