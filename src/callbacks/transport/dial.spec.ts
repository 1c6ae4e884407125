import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Dial } from './dial.js';

describe('Dial', () => {
  it('ends a stage before other listeners run, so that the next stage does not include them', () => {
    const socket = new Socket();
    const dial = new Dial();
    const known: unknown[] = [];
    socket.once('connect', () => known.push(dial.connectMs));
    socket.once('secureConnect', () => known.push(dial.tlsMs));
    dial.follow(socket);
    socket.emit('connect');
    socket.emit('secureConnect');
    expect(known).toEqual([expect.any(Number), expect.any(Number)]);
  });
});
