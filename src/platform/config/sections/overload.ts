import { z } from 'zod';
import { duration, wholeNumber } from '../values.js';

/** Limits beyond which new requests are rejected. */
export const overloadSettings = z.object({
  MAX_PENDING: wholeNumber(1, 10_000_000).prefault('1000').describe('Maximum unfinished requests in one lane'),
  MAX_PENDING_ACCOUNT: wholeNumber(1, 100_000_000)
    .prefault('100000')
    .describe('Maximum unfinished requests of one account, in all its lanes together'),
  MAX_EVENT_LOOP_LAG: duration(10, 60_000, 'a time from 10ms to 1m')
    .prefault('1s')
    .describe('Mean lag of the event loop over a second above which requests are rejected'),
  MAX_DATABASE_WAIT: duration(10, 60_000, 'a time from 10ms to 1m')
    .prefault('5s')
    .describe('Time of a statement, including the wait for a connection, above which requests are rejected'),
});
