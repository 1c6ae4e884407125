import { type LatencySummary, STATISTICS } from '../engine/latency.js';
import type { LoadProgress, LoadResult, StageResult } from '../engine/load-plan.js';
import type { Environment } from './environment.js';

const BAR_WIDTH = 40;
const TITLE_WIDTH = 15;
const COLUMN_WIDTH = 9;

/** @returns The results as text for a terminal. */
export function textReport(result: LoadResult, settings: object, environment: Environment): string {
  const rows = latencyRows(result);
  const stages = [result.sync, result.async].filter((stage) => stage !== null);
  return [
    'Latency in milliseconds, from the time each request was due',
    table(rows),
    '',
    bars(rows),
    '',
    ...stages.flatMap(stageLines),
    ...findingLines(result),
    ...speedupLine(result),
    '',
    environmentLine(environment),
    `Settings: ${JSON.stringify(settings)}`,
  ].join('\n');
}

/** @returns The rows of the tables and plots. */
export function latencyRows({ sync, async }: LoadResult): [title: string, latency: LatencySummary][] {
  const rows: [string, LatencySummary][] = [];
  if (sync) rows.push(['sync response', sync.latency]);
  if (async) rows.push(['async accept', async.latency]);
  if (async?.callbacks) rows.push(['async callback', async.callbacks.latency]);
  return rows;
}

function table(rows: [string, LatencySummary][]): string {
  const line = (title: string, cells: string[]) =>
    title.padEnd(TITLE_WIDTH) + cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join('');
  return [
    line('', [...STATISTICS]),
    ...rows.map(([title, latency]) => {
      const cells = STATISTICS.map((name) => (name === 'count' ? String(latency.count) : shownMs(latency[name])));
      return line(title, cells);
    }),
  ].join('\n');
}

export function shownMs(ms: number | null): string {
  if (ms === null) return '-';
  return ms < 10 ? ms.toFixed(2) : ms < 1_000 ? ms.toFixed(1) : String(Math.round(ms));
}

/** A bar per median. */
function bars(rows: [string, LatencySummary][]): string {
  const longest = Math.max(...rows.map(([, { p50 }]) => p50 ?? 0), Number.MIN_VALUE);
  return rows
    .map(([title, { p50 }]) => {
      const width = p50 === null ? 0 : Math.max(1, Math.round((p50 / longest) * BAR_WIDTH));
      return `${title.padEnd(TITLE_WIDTH)} ${'█'.repeat(width)} ${shownMs(p50)} ms (p50)`;
    })
    .join('\n');
}

function stageLines(stage: StageResult): string[] {
  const { mode, totalRequests, successful, failed, errors, firstError, offeredPerS, achievedPerS, callbacks } = stage;
  const offered = offeredPerS === null ? '' : `, offered ${offeredPerS}/s`;
  const called = callbacks ? `, callbacks ${callbacks.achievedPerS}/s` : '';
  const lines = [`${mode}: ${successful} of ${totalRequests} succeeded${offered}, achieved ${achievedPerS}/s${called}`];
  if (failed === 0) return lines;
  const kinds = Object.entries(errors).map(([kind, count]) => `${kind} ${count} times`);
  return [...lines, `${mode}: ${failed} failed: ${kinds.join(', ')}; first error: ${firstError}`];
}

function findingLines({ async }: LoadResult): string[] {
  if (!async?.callbacks) return [];
  const { fifoInversions, duplicates, lost, received } = async.callbacks;
  return [`Callbacks: ${received} received; lost ${lost}, duplicates ${duplicates}, out of order ${fifoInversions}`];
}

/** @returns The comparison of sync and async in a sentence; empty unless both were measured. */
export function speedupLine({ speedup, sync, async }: LoadResult): string[] {
  if (speedup === null || !sync || !async) return [];
  const [slow, quick] = [shownMs(sync.latency.mean), shownMs(async.latency.mean)];
  const [times, word] = speedup >= 1 ? [speedup, 'sooner'] : [Math.round(100 / speedup) / 100, 'later'];
  return [
    `An async caller has its answer ${times} times ${word} than a sync caller (mean ${quick} ms and ${slow} ms), ` +
      `and its report after ${shownMs(async.callbacks?.latency.mean ?? null)} ms.`,
  ];
}

export function environmentLine({ commit, daybook, node, platform, cpu, cores, memoryGb, at }: Environment): string {
  return `Daybook ${daybook}${commit ? ` (${commit})` : ''}, Node ${node}, ${platform}, ${cores} cores (${cpu}), ${memoryGb} GB, ${at}`;
}

/** @returns The state of a run as one line, which the next one overwrites. */
export function progressLine({ stage, total, answered, failed, callbacks }: LoadProgress): string {
  const done = stage === 'sync' ? answered + failed : Math.min(callbacks + failed, total);
  const width = Math.round((done / total) * BAR_WIDTH);
  const bar = '█'.repeat(width) + '░'.repeat(BAR_WIDTH - width);
  const more = stage === 'async' ? `, ${callbacks} callbacks` : '';
  return `${stage.padEnd(5)} ${bar} ${answered} of ${total} answered${more}${failed > 0 ? `, ${failed} failed` : ''}`;
}
