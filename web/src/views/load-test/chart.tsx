import { useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { duration } from '../../ui/format';
import { Table } from '../../ui/table';
import { type Line, linesOf, MEASURE_NAMES, type MeasureKey, type OverTime } from './figures';

const HEIGHT = 300;
const TOKENS: Record<MeasureKey, string> = {
  sync: '--color-warn',
  accept: '--color-accent',
  callback: '--color-info',
};
/** A second difference beside colour: the width of the line. */
const WIDTHS: Record<MeasureKey, number> = { sync: 3, accept: 2, callback: 1.5 };

/** Latencies over the time of the run. The milliseconds are logarithmic, so that equal ratios have equal distances. */
export default function Chart({ overTime }: { overTime: OverTime }) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useThemeVersion();
  const { times, lines } = linesOf(overTime);
  useEffect(() => {
    const element = place.current;
    if (!element || times.length === 0) return undefined;
    const plot = new UPlot(optionsOf(element, lines), [times, ...lines.map(({ values }) => values)], element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
    // The lines are those of `overTime`.
  }, [overTime, theme]);
  if (times.length === 0) return null;
  return (
    <figure className="mt-6">
      <figcaption className="font-medium">
        Latency over time
        <span className="block text-sm font-normal text-muted">
          Seconds since the start of each part; the dashed lines are the 99th percentile.
        </span>
      </figcaption>
      <div ref={place} role="img" aria-label={summaryOf(overTime)} className="mt-2 min-h-80 overflow-hidden" />
      <details className="mt-2 text-sm">
        <summary className="w-fit cursor-pointer text-muted">Show the numbers</summary>
        <div className="mt-2 max-h-80 overflow-y-auto">
          <Numbers times={times} lines={lines} />
        </div>
      </details>
    </figure>
  );
}

const nameOf = ({ key, statistic }: Line): string => `${MEASURE_NAMES[key]} ${statistic === 'p50' ? 'median' : 'p99'}`;

/** The chart in words. */
function summaryOf(overTime: OverTime): string {
  const parts = (['sync', 'accept', 'callback'] as const).flatMap((key) => {
    const medians = (overTime[key] ?? []).map(({ p50_ms }) => p50_ms);
    if (medians.length === 0) return [];
    return `${MEASURE_NAMES[key]}: medians from ${duration(Math.min(...medians))} to ${duration(Math.max(...medians))}`;
  });
  return `Latency over time. ${parts.join('. ')}.`;
}

function Numbers({ times, lines }: { times: number[]; lines: Line[] }) {
  return (
    <Table
      caption="Latency over time"
      columns={[
        { head: 'Second', cell: (index: number) => times[index]!.toFixed(1), isNumber: true },
        ...lines.map((line) => ({
          head: nameOf(line),
          cell: (index: number) => {
            const value = line.values[index] ?? null;
            return value === null ? '–' : duration(value);
          },
          isNumber: true,
        })),
      ]}
      rows={times.map((_, index) => index)}
      keyOf={String}
    />
  );
}

/** Distribution 3 of uPlot, whose declaration (a `const enum`) has no value that a bundler could import. */
function logarithmic(): UPlot.Scale {
  const scale: UPlot.Scale = {};
  Reflect.set(scale, 'distr', 3);
  return scale;
}

function optionsOf(element: HTMLElement, lines: Line[]): UPlot.Options {
  const muted = colourOf(element, '--color-muted');
  const grid = { stroke: colourOf(element, '--color-line'), width: 1 };
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const axis = { stroke: muted, grid, ticks: grid, font };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    scales: { x: { time: false }, y: logarithmic() },
    axes: [
      { ...axis, values: (_, values) => values.map((value) => `${value} s`) },
      { ...axis, size: 64, values: (_, values) => values.map((value) => (value === null ? '' : duration(value))) },
    ],
    series: [
      { label: 'Second', value: (_, value) => (value === null ? '–' : `${value} s`) },
      ...lines.map((line) => ({
        label: nameOf(line),
        stroke: colourOf(element, TOKENS[line.key]),
        width: line.statistic === 'p50' ? WIDTHS[line.key] : 1,
        ...(line.statistic === 'p99' && { dash: [5, 4] }),
        spanGaps: true,
        points: { show: line.values.length < 3 },
        value: (_: UPlot, value: number | null) => (value === null ? '–' : duration(value)),
      })),
    ],
  };
}

/** Resolves a token of the theme for a canvas, which does not know `light-dark()`. */
function colourOf(element: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** @returns A number that changes with the theme, of the system or of the page. */
function useThemeVersion(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const bump = (): void => setVersion((old) => old + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    const observer = new MutationObserver(bump);
    system.addEventListener('change', bump);
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      system.removeEventListener('change', bump);
      observer.disconnect();
    };
  }, []);
  return version;
}
