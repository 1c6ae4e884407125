import { z } from 'zod';
import { duration, rateLimit, trustProxy } from '../values.js';

/** Timeouts of the server, rate limits and proxies in front of it. */
export const httpSettings = z.object({
  SHUTDOWN_TIMEOUT: duration(0, 600_000, 'a time up to 10m')
    .prefault('30s')
    .describe('Time that a stopping process has to finish its current work'),
  REQUEST_TIMEOUT: duration(1_000, 600_000, 'a time from 1s to 10m')
    .prefault('30s')
    .describe('Timeout for receiving a request; its head must arrive within 10 s'),
  RATE_LIMIT_SYNC: rateLimit.prefault('30/60s').describe('Per caller on `POST /api/sync`'),
  RATE_LIMIT_ASYNC: rateLimit.prefault('60/60s').describe('Per caller on `POST /api/async` and `POST /api/batch`'),
  RATE_LIMIT_BATCH: rateLimit
    .prefault('1000/60s')
    .describe('Items of `POST /api/batch` per caller; a batch that does not fit is refused whole'),
  RATE_LIMIT_LOGIN: rateLimit
    .prefault('10/60s')
    .describe('Logins per email address, and per client network; password resets count by themselves'),
  RATE_LIMIT_DEFAULT: rateLimit
    .prefault('600/60s')
    .describe('Per caller on all other routes except health, metrics, docs and the demo receiver'),
  TRUST_PROXY: trustProxy
    .prefault('off')
    .describe('Proxies whose `X-Forwarded-For` is trusted: their number, or their subnets; `off` trusts none'),
});
