import { accepting, acceptingUnderBacklog } from './accepting.js';
import { claiming } from './claiming.js';
import { deliveries } from './deliveries.js';
import { draining } from './draining.js';
import { footprint } from './footprint.js';
import type { Measurement } from './measurement.js';
import { acceptingWithoutRedis } from './redis-away.js';
import { reportRows } from './report-rows.js';
import { syncWork } from './sync-work.js';
import { unhealthyDestinations } from './unhealthy-destinations.js';

/** Every measurement by its name on the command line, in the order of docs/benchmarks.md. */
export const MEASUREMENTS: ReadonlyMap<string, () => Promise<Measurement[]>> = new Map([
  ['accepting', accepting],
  ['accepting-under-backlog', acceptingUnderBacklog],
  ['accepting-without-redis', acceptingWithoutRedis],
  ['draining', draining],
  ['deliveries', deliveries],
  ['unhealthy-destinations', unhealthyDestinations],
  ['claiming', claiming],
  ['sync-work', syncWork],
  ['report-rows', reportRows],
  ['footprint', footprint],
]);
