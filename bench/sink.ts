import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A receiver in a process of its own that costs next to nothing. */
export interface Sink {
  /** A callback URL. */
  url: string;
  /** Resolves when so many more have come. */
  received(count: number): Promise<void>;
  stop(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL('./sink.process.js', import.meta.url));

/** @param errorRate How many of all are answered with 500, from 0 to 1. */
export async function startSink(errorRate = 0): Promise<Sink> {
  const child = fork(PROCESS, [String(errorRate)], { execArgv: [] });
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
