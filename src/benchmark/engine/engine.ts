import { Client, type Dispatcher, Pool } from 'undici';
import type { CallbackReceiver } from './callback-receiver.js';
import type { LoadPlan, LoadProgress, LoadResult, StageResult } from './load-plan.js';
import { Stage } from './stage.js';

const PROGRESS_EVERY_MS = 200;
/** Connections of the open model: enough that requests do not queue in the client, below the limit of open files. */
const OPEN_CONNECTIONS = 512;
/** Clients of the warm-up of an open model. */
const WARM_UP_CLIENTS = 20;

/**
 * Runs a load test over HTTP. Must not run in the service's process, where it would measure the delay that it causes itself.
 * @param receiver Receives the callbacks of an async stage. The caller closes it.
 * @param signal Cancels the run.
 */
export async function runLoad(
  plan: LoadPlan,
  receiver: CallbackReceiver | null,
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<LoadResult> {
  const startMs = performance.now();
  const connections = connect(plan);
  // Destroyed rather than closed: a cancelled run does not wait for pending answers.
  const disconnect = (): void => connections.forEach((connection) => void connection.destroy());
  signal.addEventListener('abort', disconnect, { once: true });
  const results: Record<'sync' | 'async', StageResult | null> = { sync: null, async: null };
  try {
    for (const mode of ['sync', 'async'] as const) {
      if (signal.aborted || (plan.mode !== mode && plan.mode !== 'both')) continue;
      const { report, flush } = throttled(onProgress);
      const stage = (of: LoadPlan): Stage =>
        new Stage(mode, of, connections, mode === 'async' ? receiver : null, report, signal);
      if (plan.warmUp > 0) await stage(warmUpOf(plan)).run();
      results[mode] = await stage(plan).run();
      flush();
    }
  } finally {
    disconnect();
    signal.removeEventListener('abort', disconnect);
  }
  const { sync } = results;
  return { ...results, speedup: speedup(sync, results.async), durationMs: Math.round(performance.now() - startMs) };
}

/** Connections of the whole run, opened by the warm-up. A client of the closed model has one connection. */
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

/** Limits progress reports to a few per second. `flush` sends the last one. */
function throttled(onProgress: (progress: LoadProgress) => void) {
  let newest: Readonly<LoadProgress> | null = null;
  let sentMs = 0;
  const flush = (): void => {
    if (newest) onProgress({ ...newest });
    newest = null;
    sentMs = performance.now();
  };
  const report = (progress: Readonly<LoadProgress>): void => {
    newest = progress;
    if (performance.now() - sentMs >= PROGRESS_EVERY_MS) flush();
  };
  return { report, flush };
}
