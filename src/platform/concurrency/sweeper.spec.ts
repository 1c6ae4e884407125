import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { Sweeper } from './sweeper.js';

describe('Sweeper', () => {
  const sweeper = new Sweeper({ SWEEP_INTERVAL: 10 });
  const ran: string[] = [];
  const task = (name: string) => async () => void ran.push(name);

  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('runs tasks by phase and then in the order they were added, despite one that fails, until it is stopped', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    sweeper.add('expire', 'retention', task('retention'));
    sweeper.add('work', 'redeliveries', task('redeliveries'));
    sweeper.add('work', 'callbacks', task('callbacks'));
    sweeper.add('recover', 'heartbeat', async () => {
      ran.push('heartbeat');
      throw new Error('connection refused');
    });
    sweeper.start();
    await eventually(() => ran.length >= 8);
    await sweeper.stop();
    const count = ran.length;
    expect(ran.slice(0, 5)).toEqual(['heartbeat', 'redeliveries', 'callbacks', 'retention', 'heartbeat']);
    expect(count % 4).toBe(0);
    // Once for all of its failures within a minute.
    expect(warn.mock.calls).toEqual([['Sweep of heartbeat failed: connection refused']]);
  });
});
