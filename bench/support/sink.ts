import { once } from 'node:events';
import { forkProgram } from './fork.js';

/** A callback receiver in its own process. */
export interface Sink {
  /** The callback URL. */
  url: string;
  /** Resolves when `count` more callbacks have arrived. */
  received(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** @param errorRate Share of callbacks that get a 500, from 0 to 1. */
export async function startSink(errorRate = 0): Promise<Sink> {
  const child = forkProgram('sink.process', [String(errorRate)]);
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    received: async (count) => {
      const all = once(child, 'message');
      child.send(count);
      await all;
    },
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
