import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Dial } from './dial.js';

describe('Dial', () => {
  it('ends a stage before who waits for it goes on, so that the next one is not counted twice', () => {
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
