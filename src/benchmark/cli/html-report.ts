import type { LatencySlice } from '../engine/latency.js';
import { STATISTICS } from '../engine/latency.js';
import type { LoadResult } from '../engine/load-plan.js';
import type { Environment } from './environment.js';
import { environmentLine, latencyRows, shownMs, speedupLine } from './text-report.js';

type Point = [x: number, y: number];

interface Line {
  name: string;
  points: Point[];
}

const WIDTH = 860;
const HEIGHT = 280;
const LEFT = 64;
const BOTTOM = 36;
const TOP = 12;
const COLORS = ['#2563eb', '#d97706', '#059669', '#dc2626', '#7c3aed', '#475569'];
const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem;color:#1e293b}
table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #e2e8f0}
td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto}small{color:#64748b}`;

/** @returns The results as one HTML page without external resources. */
export function htmlReport(result: LoadResult, settings: object, environment: Environment): string {
  const callbacks = result.async?.callbacks ?? null;
  const lost = callbacks
    ? `<p>Callbacks: ${callbacks.received} received; lost ${callbacks.lost}, duplicates ${callbacks.duplicates},
      out of order ${callbacks.fifoInversions}.</p>`
    : '';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Daybook load test</title>
<style>${STYLE}</style></head><body><h1>Daybook load test</h1>
<p>${speedupLine(result).map(escaped).join('')}</p>${table(result)}${lost}
<h2>Latency over time</h2>${chart(overTime(result), 'seconds since the start', (x) => x)}
<h2>Latency by percentile</h2>${chart(byPercentile(result), 'percentile', ninesOf, percentileName)}
<p><small>Times count from the time each request was due. ${escaped(environmentLine(environment))}<br>
Settings: ${escaped(JSON.stringify(settings))}</small></p></body></html>
`;
}

function table(result: LoadResult): string {
  const rows = latencyRows(result).map(([title, latency]) => {
    const cells = STATISTICS.map((name) => (name === 'count' ? latency.count : shownMs(latency[name])));
    return `<tr><td>${title}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const head = STATISTICS.map((name) => `<th>${name}</th>`).join('');
  return `<table><tr><th>milliseconds</th>${head}</tr>${rows.join('')}</table>${failures(result)}`;
}

function failures({ sync, async }: LoadResult): string {
  const stages = [sync, async].filter((stage) => stage !== null);
  return stages
    .map(({ mode, successful, totalRequests, errors, offeredPerS, achievedPerS }) => {
      const kinds = Object.entries(errors).map(([kind, count]) => `${kind}: ${count}`);
      const offered = offeredPerS === null ? '' : `, offered ${offeredPerS}/s`;
      const text = `${mode}: ${successful} of ${totalRequests} succeeded${offered}, achieved ${achievedPerS}/s. ${kinds.join(', ')}`;
      return `<p>${escaped(text)}</p>`;
    })
    .join('');
}

function overTime({ sync, async }: LoadResult): Line[] {
  const of = (name: string, slices: LatencySlice[]): Line[] => [
    { name: `${name} p50`, points: slices.map(({ atS, p50 }): Point => [atS, p50]) },
    { name: `${name} p99`, points: slices.map(({ atS, p99 }): Point => [atS, p99]) },
  ];
  return [
    ...(sync ? of('sync', sync.slices) : []),
    ...(async ? of('accept', async.slices) : []),
    ...(async?.callbacks ? of('callback', async.callbacks.slices) : []),
  ];
}

function byPercentile({ sync, async }: LoadResult): Line[] {
  return [
    ...(sync ? [{ name: 'sync response', points: sync.curve }] : []),
    ...(async ? [{ name: 'async accept', points: async.curve }] : []),
    ...(async?.callbacks ? [{ name: 'async callback', points: async.callbacks.curve }] : []),
  ];
}

/** Places 0, 90, 99, 99.9 and 99.99 at equal distances. */
function ninesOf(percentile: number): number {
  return Math.min(4.5, -Math.log10(Math.max(1e-9, 1 - percentile / 100)));
}

function percentileName(nines: number): string {
  return `${Number((100 - 100 * 10 ** -nines).toFixed(2))}`;
}

/** Draws lines over a linear x axis. The milliseconds are logarithmic, so that equal ratios have equal distances. */
function chart(
  lines: Line[],
  title: string,
  placeOf: (x: number) => number,
  nameOf: (place: number) => string = (place) => String(Math.round(place * 10) / 10),
): string {
  const placed = lines.map(({ name, points }) => ({ name, points: points.map(([x, y]): Point => [placeOf(x), y]) }));
  const all = placed.flatMap(({ points }) => points);
  if (all.length === 0) return '<p>No request succeeded.</p>';
  const right = Math.max(...all.map(([x]) => x), 0.1);
  const [low, high] = [Math.min(...all.map(([, y]) => y), 1), Math.max(...all.map(([, y]) => y), 2)];
  const [first, last] = [Math.floor(Math.log10(Math.max(low, 0.01))), Math.ceil(Math.log10(high))];
  const xOf = (x: number) => LEFT + (x / right) * (WIDTH - LEFT - 8);
  const yOf = (y: number) =>
    TOP + (1 - (Math.log10(Math.max(y, 0.01)) - first) / (last - first)) * (HEIGHT - TOP - BOTTOM);
  const decades = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  const grid = decades.map(
    (y) => `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${yOf(y)}" y2="${yOf(y)}" stroke="#e2e8f0"/>
      <text x="${LEFT - 6}" y="${yOf(y) + 4}" text-anchor="end">${Number(y.toPrecision(1))} ms</text>`,
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${xOf(share * right)}" y="${HEIGHT - 18}" text-anchor="middle">${nameOf(share * right)}</text>`,
  );
  const drawn = placed.map(({ points }, index) => {
    const path = points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${COLORS[index % COLORS.length]}" stroke-width="1.5"/>`;
  });
  const legend = placed.map(
    ({ name }, index) => `<span style="color:${COLORS[index % COLORS.length]}">■ ${escaped(name)}</span>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" font-size="11" fill="#475569">${[...grid, ...ticks, ...drawn].join('')}
    <text x="${WIDTH / 2}" y="${HEIGHT - 4}" text-anchor="middle">${title}</text></svg><p>${legend.join(' ')}</p>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
