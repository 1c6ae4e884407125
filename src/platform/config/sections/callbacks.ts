import { isIP } from 'node:net';
import { z } from 'zod';
import { CALLBACK_SECRET_FORMAT, callbackSecretBytes } from '../callback-secret.js';
import { UNIT_MS, duration, list, proxyUrl, rateLimit, retryDelays } from '../values.js';

const RETRY_STATUS = /^([1-5]\d\d|[1-5]xx)$/;

/** `address`, `address:port` or `[address]:port`. */
function isNameserver(text: string): boolean {
  const [, bracketed, plain = '', port = '53'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (isIP(text) !== 0) return true;
  return isIP(bracketed ?? plain) === (bracketed === undefined ? 4 : 6) && Number(port) >= 1 && Number(port) <= 65_535;
}

/** Targets, attempts, order and signatures of callbacks. */
export const callbackSettings = z.object({
  CALLBACK_ALLOW: list
    .default([])
    .describe('Private callback targets to allow: `CIDR`, `host` or `host:port`, comma-separated'),
  CALLBACK_DENY: list
    .default([])
    .describe('Callback targets to refuse, in the same form. They win over `CALLBACK_ALLOW`'),
  CALLBACK_PROXY: proxyUrl
    .optional()
    .describe('CONNECT proxy for callbacks. Without it callbacks are sent directly, regardless of `HTTPS_PROXY`'),
  CALLBACK_DNS_SERVERS: list
    .refine((servers) => servers.every(isNameserver), 'addresses such as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:53')
    .default([])
    .describe('Nameservers for callbacks: `address` or `address:port`, comma-separated. Default those of the system'),
  CALLBACK_TIMEOUT: duration(100, 60_000, 'a time from 100ms to 1m')
    .prefault('10s')
    .describe('Timeout of one callback attempt, from connecting to the end of the answer'),
  CALLBACK_RETRY_DELAYS: retryDelays('2s,4s,8s')
    .prefault('2s,4s,8s')
    .describe('Delays before the 2nd, 3rd, … callback attempt, each ± 25%'),
  CALLBACK_RETRY_STATUSES: list
    .refine((statuses) => statuses.every((status) => RETRY_STATUS.test(status)), 'statuses such as 5xx,429')
    .default(['5xx'])
    .describe('Statuses of callback answers that are retried'),
  CALLBACK_REDELIVERY_RATE: rateLimit
    .prefault('1200/60s')
    .describe('Redeliveries of one account to one destination, evenly spread over the time, or `off`'),
  CALLBACK_ORDER: z
    .enum(['ordered', 'strict', 'unordered'])
    .default('ordered')
    .describe(
      'Order of callbacks of one lane to one destination: `ordered` by first attempt, `strict` by delivery, or `unordered`',
    ),
  CALLBACK_SIGNATURE: z
    .enum(['v1', 'v1a', 'both'])
    .default('v1')
    .describe('Signature of callbacks: `v1` is HMAC-SHA256, `v1a` is Ed25519, `both` sends both'),
  CALLBACK_SECRET: z
    .string()
    .refine((text) => callbackSecretBytes(text) !== null, CALLBACK_SECRET_FORMAT)
    .optional()
    .describe('Secret that signs callbacks with `AUTH=open`, `whsec_…`. Without it the first start generates one'),
  CALLBACK_SECRET_OVERLAP: duration(0, 7 * UNIT_MS.d, 'a time up to 7d')
    .prefault('24h')
    .describe('Time for which the previous secret also signs after a rotation'),
});
