import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Request, Response } from 'express';
import { inStep } from './in-step.js';

/** A request whose handler takes two steps, which are told. */
function handle(middleware: ReturnType<typeof inStep>, step: (n: number) => void): void {
  const handler = async (): Promise<void> => {
    step(1);
    await Promise.resolve();
    step(2);
  };
  middleware({} as Request, {} as Response, () => void handler());
}

describe('requests of one turn of the event loop', () => {
  it('take each step together, in their order, at its end', async () => {
    const middleware = inStep();
    const steps: string[] = [];
    for (const name of ['a', 'b', 'c']) handle(middleware, (n) => steps.push(`${name}${n}`));
    expect(steps).toEqual([]);
    await nextTurn();
    expect(steps).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
    handle(middleware, (n) => steps.push(`d${n}`));
    await nextTurn();
    expect(steps.slice(6)).toEqual(['d1', 'd2']);
  });

  it('stay in their own async contexts', async () => {
    const middleware = inStep();
    const storage = new AsyncLocalStorage<string>();
    const found: unknown[] = [];
    for (const name of ['a', 'b']) storage.run(name, () => handle(middleware, () => found.push(storage.getStore())));
    await nextTurn();
    expect(found).toEqual(['a', 'b', 'a', 'b']);
  });
});
