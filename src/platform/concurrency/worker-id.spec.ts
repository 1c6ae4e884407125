import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { WORKER_ID, WORKER_HOST_PREFIX, hasExited } from './worker-id.js';

const on = (host: string, pid: number): string => `${host}:${pid}:0badcafe`;
const here = (pid: number): string => `${WORKER_HOST_PREFIX}${pid}:0badcafe`;
const nobodyIsAlive = (): boolean => false;

describe('hasExited', () => {
  it('is false for this process', () => {
    expect(WORKER_ID).toMatch(/:\d+:[0-9a-f]{8}$/);
    expect(WORKER_ID.startsWith(`${WORKER_HOST_PREFIX}${process.pid}:`)).toBe(true);
    expect(hasExited(WORKER_ID, nobodyIsAlive)).toBe(false);
  });

  it('is false for a worker on another host', () => {
    for (const host of ['elsewhere', `${hostname()}2`, `2${hostname()}`, `${hostname()}/1`]) {
      expect(hasExited(on(host, 4_711), nobodyIsAlive)).toBe(false);
      expect(hasExited(on(host, process.pid), nobodyIsAlive)).toBe(false);
    }
  });

  it('checks the process with the pid of the worker', () => {
    const asked: number[] = [];
    const isAlive = (pid: number): boolean => asked.push(pid) > 0 && pid === 4_711;
    expect(hasExited(here(4_711), isAlive)).toBe(false);
    expect(hasExited(here(4_712), isAlive)).toBe(true);
    expect(asked).toEqual([4_711, 4_712]);
  });

  it('is true for this pid with another suffix, of an earlier start of this container', () => {
    expect(hasExited(here(process.pid), () => true)).toBe(true);
  });

  it('checks the real processes', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    expect(hasExited(here(child.pid!))).toBe(false);
    child.stdin.end();
    await once(child, 'exit');
    expect(hasExited(here(child.pid!))).toBe(true);
  });

  it('is false for process 1, which may belong to another user', () => {
    expect(hasExited(here(1))).toBe(false);
  });
});
