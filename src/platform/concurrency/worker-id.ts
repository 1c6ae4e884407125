import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Prefix of all worker ids whose processes are visible to this one: the host and, on Linux, the process namespace.
 * Containers may share a host name and still not see each other's processes.
 */
export const WORKER_HOST_PREFIX = `${hostname()}${processNamespace()}:`;

/** The worker id of this process, by which it holds leases: host, process id and a part that is unique to each start. */
export const WORKER_ID = `${WORKER_HOST_PREFIX}${process.pid}:${randomUUID().slice(0, 8)}`;

/** Suffix of the id of a worker that is draining. */
export const DRAINING_SUFFIX = ':draining';

function processNamespace(): string {
  try {
    return `/${readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')}`;
  } catch {
    return '';
  }
}

/**
 * Whether a worker on this host has certainly exited, so that its leases can be taken over before they expire. A wrong
 * answer costs only duplicate work, because the fencing epoch rejects the second result.
 */
export function hasExited(workerId: string, isAlive: (pid: number) => boolean = processExists): boolean {
  if (!workerId.startsWith(WORKER_HOST_PREFIX) || workerId.startsWith(WORKER_ID)) return false;
  const pid = Number(workerId.slice(WORKER_HOST_PREFIX.length).split(':')[0]);
  // The same pid with another suffix is an earlier start of this container, whose first process always has pid 1.
  return pid === process.pid || !isAlive(pid);
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
