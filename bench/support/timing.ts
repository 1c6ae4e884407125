import { median } from './throughput.js';

const TIMES = 21;

/** Time of a call, in milliseconds. */
export async function msOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Median time of a call after a first one, its round trips to the database included. */
export async function medianMs(work: () => Promise<unknown>): Promise<number> {
  await work();
  const all: number[] = [];
  for (let time = 0; time < TIMES; time++) all.push(await msOf(work));
  return median(all);
}

/** Milliseconds as the table of figures shows them. */
export const shown = (...all: number[]): string => `${all.map((ms) => ms.toFixed(ms < 10 ? 2 : 0)).join(', ')} ms`;
