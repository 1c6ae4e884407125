import { Client, type Dispatcher, Pool } from 'undici';
import type { CallbackReceiver } from './callback-receiver.js';
import type { LoadPlan, LoadProgress, LoadResult, StageResult } from './load-plan.js';
import { Stage } from './stage.js';

const PROGRESS_EVERY_MS = 200;
/** Connections of the open model: enough that requests wait for the service and not for us, within what a process may open. */
const OPEN_CONNECTIONS = 512;
/** Warm the service up where the load itself has no number of clients. */
const WARM_UP_CLIENTS = 20;

/**
 * Drives the service as any client does, over HTTP. To be run in another process than the service: an event loop that
 * makes the load and answers it measures itself.
 * @param receiver Takes the callbacks of an async stage; the caller closes it.
 */
export async function runLoad(
  plan: LoadPlan,
  receiver: CallbackReceiver | null,
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<LoadResult> {
  const startMs = performance.now();
  const connections = connect(plan);
  // Cut, not closed: on a cancelled run nobody waits for what is still under way.
  const cut = (): void => connections.forEach((connection) => void connection.destroy());
  signal.addEventListener('abort', cut, { once: true });
  const results: Record<'sync' | 'async', StageResult | null> = { sync: null, async: null };
  try {
    for (const mode of ['sync', 'async'] as const) {
      if (signal.aborted || (plan.mode !== mode && plan.mode !== 'both')) continue;
      const { tell, last } = nowAndThen(onProgress);
      const stage = (of: LoadPlan): Stage =>
        new Stage(mode, of, connections, mode === 'async' ? receiver : null, tell, signal);
      if (plan.warmUp > 0) await stage(warmUpOf(plan)).run();
      results[mode] = await stage(plan).run();
      last();
    }
  } finally {
    cut();
    signal.removeEventListener('abort', cut);
  }
  const { sync } = results;
  return { ...results, speedup: speedup(sync, results.async), durationMs: Math.round(performance.now() - startMs) };
}

/** For the whole run: what warms up opens the connections too. A client of the closed model is a connection. */
function connect({ targetUrl, model, patienceMs }: LoadPlan): Dispatcher[] {
  const timeouts = { headersTimeout: patienceMs, bodyTimeout: patienceMs };
  if (model.kind === 'open') return [new Pool(targetUrl, { ...timeouts, connections: OPEN_CONNECTIONS })];
  return Array.from({ length: model.concurrency }, () => new Client(targetUrl, timeouts));
}

function warmUpOf(plan: LoadPlan): LoadPlan {
  const concurrency = plan.model.kind === 'closed' ? plan.model.concurrency : WARM_UP_CLIENTS;
  return { ...plan, model: { kind: 'closed', requests: plan.warmUp, concurrency } };
}

function speedup(sync: StageResult | null, acknowledged: StageResult | null): number | null {
  const [slow, quick] = [sync?.latency.mean, acknowledged?.latency.mean];
  return slow && quick ? Math.round((slow / quick) * 100) / 100 : null;
}

/** Passes on what is new a few times a second, and at the end what came last. */
function nowAndThen(onProgress: (progress: LoadProgress) => void) {
  let newest: Readonly<LoadProgress> | null = null;
  let toldMs = 0;
  const last = (): void => {
    if (newest) onProgress({ ...newest });
    newest = null;
    toldMs = performance.now();
  };
  const tell = (progress: Readonly<LoadProgress>): void => {
    newest = progress;
    if (performance.now() - toldMs >= PROGRESS_EVERY_MS) last();
  };
  return { tell, last };
}
