import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * What every holder begins with whose process we can look for: host, and on Linux the process namespace. Containers may
 * share a host name and still not see each other's processes.
 */
export const WORKER_HOST_PREFIX = `${hostname()}${processNamespace()}:`;

/** The name under which this process holds leases: host, process id, and a part that no restart repeats. */
export const WORKER_ID = `${WORKER_HOST_PREFIX}${process.pid}:${randomUUID().slice(0, 8)}`;

/** Ends the name of a holder that was told to end. */
export const DRAINING_SUFFIX = ':leaving';

function processNamespace(): string {
  try {
    return `/${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`;
  } catch {
    return '';
  }
}

/**
 * Whether a holder on this host has certainly ended. Its leases can then be taken over at once instead of waiting for
 * them to expire. A wrong answer costs nothing but double work: the fencing epoch keeps the results single.
 */
export function hasExited(holder: string, isAlive: (pid: number) => boolean = processExists): boolean {
  if (!holder.startsWith(WORKER_HOST_PREFIX) || holder.startsWith(WORKER_ID)) return false;
  const pid = Number(holder.slice(WORKER_HOST_PREFIX.length).split(':')[0]);
  // The same pid with another suffix is an earlier life of this container, whose first process always has pid 1.
  return pid === process.pid || !isAlive(pid);
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
