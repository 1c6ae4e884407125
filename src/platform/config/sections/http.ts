import { z } from 'zod';
import { duration, rateLimit, trustProxy } from '../values.js';

/** Timeouts of the server, rate limits and proxies in front of it. */
export const httpSettings = z.object({
  SHUTDOWN_TIMEOUT: duration(0, 600_000, 'a time up to 10m')
    .default(30_000)
    .describe('Time that a stopping process has to finish its current work'),
  REQUEST_TIMEOUT: duration(1_000, 600_000, 'a time from 1s to 10m')
    .default(30_000)
    .describe('Timeout for receiving a request; its head must arrive within 10 s'),
  RATE_LIMIT_SYNC: rateLimit.default({ limit: 30, windowMs: 60_000 }).describe('Per caller on `POST /api/sync`'),
  RATE_LIMIT_ASYNC: rateLimit
    .default({ limit: 60, windowMs: 60_000 })
    .describe('Per caller on `POST /api/async` and `POST /api/batch`'),
  RATE_LIMIT_BATCH: rateLimit
    .default({ limit: 1_000, windowMs: 60_000 })
    .describe('Items of `POST /api/batch` per caller; a batch that does not fit is refused whole'),
  RATE_LIMIT_LOGIN: rateLimit
    .default({ limit: 10, windowMs: 60_000 })
    .describe('Logins per email address, and per client network; password resets count by themselves'),
  RATE_LIMIT_DEFAULT: rateLimit
    .default({ limit: 600, windowMs: 60_000 })
    .describe('Per caller on all other routes except health, metrics, docs and the demo receiver'),
  TRUST_PROXY: trustProxy
    .default(false)
    .describe('Proxies whose `X-Forwarded-For` is trusted: their number, or their subnets; `off` trusts none'),
});
