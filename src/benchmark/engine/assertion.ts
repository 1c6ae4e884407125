import { UsageError } from '../cli/cli-error.js';
import { STATISTICS } from './latency.js';
import type { LoadResult, StageResult } from './load-plan.js';

/** A limit on a metric, such as `accept.p99<50`. */
export interface Assertion {
  text: string;
  metric: string;
  operator: '<' | '<=' | '>' | '>=' | '=';
  limit: number;
}

const FINDINGS = ['fifo_inversions', 'duplicates', 'lost', 'speedup'];
const GROUPS = ['sync', 'accept', 'callback'];
const METRIC_HELP = `${GROUPS.join(', ')} with .${STATISTICS.join(', .')}, .rate or .failed; or ${FINDINGS.join(', ')}`;

/** @throws UsageError when the text is not a comparison of a known metric with a number. */
export function parseAssertion(text: string): Assertion {
  const [, metric = '', operator, limit] =
    /^\s*([a-z_]+(?:\.[a-z0-9.]+)?)\s*(<=|>=|<|>|=)\s*(\d+(?:\.\d+)?)\s*$/.exec(text) ?? [];
  const [group = '', ...rest] = metric.split('.');
  const statistic = rest.join('.');
  const isKnown =
    FINDINGS.includes(metric) ||
    (GROUPS.includes(group) &&
      [...STATISTICS, 'rate', ...(group === 'callback' ? [] : ['failed'])].includes(statistic));
  if (!operator || !isKnown) throw new UsageError(`--assert ${text} is not valid: compare ${METRIC_HELP}`);
  return { text: text.trim(), metric, operator: operator as Assertion['operator'], limit: Number(limit) };
}

/** @returns Every metric of a result by name. Metrics of a mode that did not run are missing or null. */
function metricsOf({ sync, async, speedup }: LoadResult): Record<string, number | null> {
  const metrics: Record<string, number | null> = { speedup };
  const add = (group: string, stage: Pick<StageResult, 'latency' | 'achievedPerS'>): void => {
    for (const statistic of STATISTICS) metrics[`${group}.${statistic}`] = stage.latency[statistic];
    metrics[`${group}.rate`] = stage.achievedPerS;
  };
  if (sync) add('sync', sync);
  if (sync) metrics['sync.failed'] = sync.failed;
  if (!async?.callbacks) return metrics;
  add('accept', async);
  metrics['accept.failed'] = async.failed;
  add('callback', async.callbacks);
  const { fifoInversions, duplicates, lost } = async.callbacks;
  return { ...metrics, fifo_inversions: fifoInversions, duplicates, lost };
}

/** @returns A line for each assertion that does not hold. An assertion on a missing metric does not hold. */
export function failuresOf(assertions: Assertion[], result: LoadResult): string[] {
  const metrics = metricsOf(result);
  return assertions.flatMap(({ text, metric, operator, limit }) => {
    const value = metrics[metric] ?? null;
    if (value !== null && HOLDS[operator](value, limit)) return [];
    return [`${text} does not hold: ${value === null ? 'it was not measured' : `it is ${value}`}`];
  });
}

const HOLDS: Record<Assertion['operator'], (value: number, limit: number) => boolean> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '=': (value, limit) => value === limit,
};
