import { setTimeout as sleep } from 'node:timers/promises';
import { setPaused } from './database.js';
import type { Fleet } from './fleet.js';
import type { Fault } from './schedule.js';

/** Injects a fault. Resolves when the fault is over and its target was restarted. */
export async function inject(fault: Fault, fleet: Fleet): Promise<void> {
  switch (fault.kind) {
    case 'kill': {
      const service = fleet.services.get(fault.process)!;
      await service.kill();
      await sleep(fault.forMs);
      return service.start();
    }
    case 'freeze': {
      const thaw = fleet.services.get(fault.process)!.freeze();
      await sleep(fault.forMs);
      return thaw();
    }
    case 'clock-jump': {
      const service = fleet.services.get(fault.process)!;
      service.setClock(fault.byMs);
      await sleep(fault.forMs);
      return service.setClock(0);
    }
    case 'redis-kill':
      return fleet.restartRedis(fault.forMs);
    case 'redis-flush':
      return fleet.flushRedis();
    case 'redis-unreachable':
      fleet.link.cut(fault.how);
      await sleep(fault.forMs);
      return fleet.link.mend();
    case 'postgres-restart':
      return fleet.restartPostgres(fault.how, fault.forMs);
    case 'store-full':
      await fleet.disk.fill();
      await sleep(fault.forMs);
      return fleet.disk.free();
    case 'store-away':
      return fleet.loseBucket(fault.how, fault.forMs);
    case 'queue-pause':
      await setPaused(fleet.databaseUrl, fault.queue, true);
      await sleep(fault.forMs);
      return setPaused(fleet.databaseUrl, fault.queue, false);
  }
}

/** Formats a fault as one line. */
export function describe(fault: Fault): string {
  const { kind, forMs } = fault;
  const words: string[] = [kind];
  if ('process' in fault) words.push(fault.process);
  if ('queue' in fault) words.push(fault.queue);
  if ('how' in fault) words.push(fault.how);
  if (kind === 'clock-jump') words.push(`by ${fault.byMs / 1_000} s`);
  if (forMs > 0) words.push(`for ${(forMs / 1_000).toFixed(1)} s`);
  return words.join(' ');
}
