import type { Socket } from 'node:net';
import type { Request } from 'express';
import { beforeEach, expect, it } from '@jest/globals';
import { RefusalBrake } from './refusal-brake.js';

/** A connection, and what was done to it. */
class Connection {
  readonly done: string[] = [];
  private paused = false;

  isPaused = (): boolean => this.paused;

  pause = (): void => {
    this.paused = true;
    this.done.push('pause');
  };

  resume = (): void => {
    this.paused = false;
    this.done.push('resume');
  };

  destroy = (): void => {
    this.done.push('destroy');
  };
}

let brake: RefusalBrake;
beforeEach(() => {
  brake = new RefusalBrake();
});

/** Whether a refusal is still delayed after everything that happens at once has happened. */
async function isDelayed(ip: string, connection = new Connection()): Promise<boolean> {
  let isOver = false;
  void brake.hold({ ip, socket: connection as unknown as Socket } as Request).then(() => (isOver = true));
  await new Promise(setImmediate);
  return !isOver;
}

/** Uses up what the network may have refused at once. The last one is delayed. */
async function flood(ip: string): Promise<void> {
  for (let count = 0; !(await isDelayed(ip)); count++) expect(count).toBeLessThan(1_000);
}

it('answers the first refusals of a network at once, and delays its next ones', async () => {
  for (let count = 0; count < 10; count++) expect(await isDelayed('192.0.2.1')).toBe(false);
  await flood('192.0.2.1');
  expect(await isDelayed('192.0.2.2')).toBe(false);
});

it('reads nothing from a connection whose refusal is delayed', async () => {
  await flood('192.0.2.1');
  const connection = new Connection();
  const started = performance.now();
  await brake.hold({ ip: '192.0.2.1', socket: connection as unknown as Socket } as Request);
  expect(performance.now() - started).toBeGreaterThan(400);
  expect(connection.done).toEqual(['pause', 'resume']);
});

it('closes a connection that sends the next request while a refusal is delayed', async () => {
  await flood('192.0.2.1');
  const connection = new Connection();
  expect(await isDelayed('192.0.2.1', connection)).toBe(true);
  expect(await isDelayed('192.0.2.1', connection)).toBe(false);
  expect(connection.done).toEqual(['pause', 'destroy']);
});

it('closes further connections while 1,000 refusals are delayed', async () => {
  await flood('192.0.2.1');
  const connections = Array.from({ length: 1_010 }, () => new Connection());
  const held = connections.map((one) => brake.hold({ ip: '192.0.2.1', socket: one as unknown as Socket } as Request));
  const closed = connections.filter(({ done }) => done.includes('destroy'));
  expect(closed.length).toBeGreaterThanOrEqual(10);
  await Promise.all(held);
  // Then there is room again.
  const connection = new Connection();
  await isDelayed('192.0.2.3', connection);
  expect(connection.done).not.toContain('destroy');
});
