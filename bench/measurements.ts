import { accepting, acceptingUnderBacklog } from './measurements/accepting.js';
import { books } from './measurements/books.js';
import { booksLines } from './measurements/books-lines.js';
import { claiming } from './measurements/claiming.js';
import { deliveries } from './measurements/deliveries.js';
import { draining } from './measurements/draining.js';
import { footprint } from './measurements/footprint.js';
import { live } from './measurements/live.js';
import { mail } from './measurements/mail.js';
import type { Measurement } from './measurements/measurement.js';
import { acceptingWithoutRedis } from './measurements/redis-away.js';
import { reportRows } from './measurements/report-rows.js';
import { reports } from './measurements/reports.js';
import { syncWork } from './measurements/sync-work.js';
import { tenants } from './measurements/tenants.js';
import { unhealthyDestinations } from './measurements/unhealthy-destinations.js';

/** Every measurement by its name on the command line, in the order of docs/benchmarks.md. */
export const MEASUREMENTS: ReadonlyMap<string, () => Promise<Measurement[]>> = new Map([
  ['accepting', accepting],
  ['accepting-under-backlog', acceptingUnderBacklog],
  ['accepting-without-redis', acceptingWithoutRedis],
  ['draining', draining],
  ['deliveries', deliveries],
  ['unhealthy-destinations', unhealthyDestinations],
  ['tenants', tenants],
  ['claiming', claiming],
  ['sync-work', syncWork],
  ['report-rows', reportRows],
  ['reports', reports],
  ['books', () => books()],
  ['books-lines', booksLines],
  ['live', live],
  ['mail', mail],
  ['footprint', footprint],
]);
