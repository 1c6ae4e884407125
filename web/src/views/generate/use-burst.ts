import { useEffect, useReducer, useRef, useState } from 'react';
import { type Answer, perform } from '../../api/calls';
import { ApiError } from '../../api/errors';
import type { Call } from '../../ui/code';

/** Requests after which a burst without a refusal ends. */
export const MAX_SENT = 200;
/** Waits after which a burst that never gets through ends: another client may use the quota, too. */
const MAX_WAITS = 5;
/** Refusals that end by themselves: over the limit, or full. */
const IS_BRIEF = new Set([429, 503]);
/** A service that is full may not say when to come again. */
const DEFAULT_WAIT_S = 5;
const TICK_MS = 250;

export type Sent = Pick<Answer, 'status' | 'headers' | 'problem'>;

interface BurstState {
  phase: 'idle' | 'sending' | 'waiting' | 'through' | 'unlimited' | 'stopped';
  sent: Sent[];
  /** The newest refusal. */
  refusal: Sent | null;
  waitsFromMs: number;
  retryAtMs: number;
  failure: unknown;
}

const IDLE: BurstState = { phase: 'idle', sent: [], refusal: null, waitsFromMs: 0, retryAtMs: 0, failure: null };

/** @returns The state of a burst of calls, and the functions that start and stop it. It ends with the view. */
export function useBurst(call: Call): { state: BurstState; start: () => Promise<void>; stop: () => void } {
  const [state, setState] = useState(IDLE);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  async function start(): Promise<void> {
    controller.current?.abort();
    const { signal } = (controller.current = new AbortController());
    const change = (changes: Partial<BurstState>): void => {
      if (!signal.aborted) setState((old) => ({ ...old, ...changes }));
    };
    setState({ ...IDLE, phase: 'sending' });
    try {
      await burst(call, signal, change);
    } catch (failure) {
      change({ phase: 'stopped', failure });
    }
  }
  function stop(): void {
    controller.current?.abort();
    setState((old) => ({ ...old, phase: 'stopped' }));
  }
  return { state, start, stop };
}

async function burst(call: Call, signal: AbortSignal, change: (changes: Partial<BurstState>) => void): Promise<void> {
  const sent: Sent[] = [];
  let waits = 0;
  while (sent.length < MAX_SENT && waits < MAX_WAITS) {
    const answer = await perform(call, signal);
    sent.push(answer);
    change({ sent: [...sent] });
    if (answer.problem === null) {
      if (waits === 0) continue;
      change({ phase: 'through' });
      return;
    }
    if (!IS_BRIEF.has(answer.status)) throw new ApiError(answer.problem);
    waits += 1;
    const waitMs = waitMsOf(answer);
    change({ phase: 'waiting', refusal: answer, waitsFromMs: Date.now(), retryAtMs: Date.now() + waitMs });
    await pause(waitMs, signal);
  }
  change({ phase: waits === 0 ? 'unlimited' : 'stopped' });
}

/** `Retry-After` is in seconds. */
function waitMsOf({ headers }: Sent): number {
  const seconds = Number(headers.get('retry-after'));
  return (seconds > 0 ? seconds : DEFAULT_WAIT_S) * 1_000;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('stopped', 'AbortError'));
    });
  });
}

/** @returns The seconds until a time, counting down. */
export function useSecondsUntil(atMs: number): number {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.ceil((atMs - Date.now()) / 1_000));
}
