import { Link } from '@tanstack/react-router';
import { Time, duration, number } from '../../ui/format';
import { Badge } from '../../ui/panel';
import { Bars } from '../../ui/page';
import { useSearchState } from '../../ui/search';
import { ErrorState } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { changeOf, loadOf, type Measure, measuresOf, type Run, speedupOf, stagesOf } from './figures';
import { useRun } from './use-run';

const ms = (value: number | null): string => (value === null ? '–' : duration(value));

/** The figures of a run in a sentence, as bars and as a table; beside another run when one is chosen. */
export function Results({ run, otherId }: { run: Run; otherId: string | undefined }) {
  const measures = measuresOf(run);
  return (
    <div className="space-y-6">
      <Sentence run={run} />
      <div>
        <h3 className="mb-2 font-medium">Median latency</h3>
        <Bars
          label="Median latency"
          rows={measures.map(({ name, p50 }) => ({ name, value: p50 ?? 0, text: ms(p50) }))}
        />
      </div>
      {otherId === undefined ? <Figures measures={measures} /> : <Comparison run={run} otherId={otherId} />}
    </div>
  );
}

/** What the run shows, in words. */
function Sentence({ run }: { run: Run }) {
  const { sync, async } = stagesOf(run);
  const speedup = speedupOf(run);
  return (
    <div>
      {speedup !== null && sync && async && (
        <p className="max-w-prose font-display text-xl">
          An async request was accepted in {ms(async.avg_latency_ms)} on average:{' '}
          {number(Math.round(speedup * 10) / 10)} times as fast as a sync report, which took {ms(sync.avg_latency_ms)}.
        </p>
      )}
      {async && (
        <p className="mt-2 flex flex-wrap items-center gap-2">
          <Badge tone={async.lost + async.duplicates + async.fifo_inversions === 0 ? 'good' : 'bad'}>
            {async.lost + async.duplicates + async.fifo_inversions === 0 ? 'in order' : 'not as promised'}
          </Badge>
          {number(async.callbacks_received)} callbacks arrived: {number(async.lost)} lost, {number(async.duplicates)}{' '}
          repeated, {number(async.fifo_inversions)} out of order.
        </p>
      )}
    </div>
  );
}

const FIGURES: Column<Measure>[] = [
  { head: 'Latency of', cell: ({ name }) => <span className="font-medium">{name}</span> },
  { head: 'Succeeded', cell: ({ count }) => number(count), isNumber: true },
  {
    head: 'Failed',
    cell: ({ failed }) => <span className={failed > 0 ? 'text-bad' : undefined}>{number(failed)}</span>,
    isNumber: true,
  },
  { head: 'Mean', cell: ({ avg }) => ms(avg), isNumber: true },
  { head: 'Fastest', cell: ({ min }) => ms(min), isNumber: true, isExtra: true },
  { head: 'Median', cell: ({ p50 }) => ms(p50), isNumber: true },
  { head: 'p95', cell: ({ p95 }) => ms(p95), isNumber: true },
  { head: 'p99', cell: ({ p99 }) => ms(p99), isNumber: true },
  { head: 'Slowest', cell: ({ max }) => ms(max), isNumber: true, isExtra: true },
];

function Figures({ measures }: { measures: Measure[] }) {
  return (
    <div className="-mx-4 sm:-mx-5">
      <Table caption="Latencies" columns={FIGURES} rows={measures} keyOf={({ key }) => key} />
    </div>
  );
}

interface Compared {
  now: Measure;
  before: Measure | undefined;
}

function Comparison({ run, otherId }: { run: Run; otherId: string }) {
  const { run: other, error } = useRun(otherId);
  const [{ run: shown }] = useSearchState();
  if (error) return <ErrorState error={error} />;
  const others = other ? measuresOf(other) : [];
  const rows = measuresOf(run).map((now) => ({ now, before: others.find(({ key }) => key === now.key) }));
  return (
    <div>
      <p className="mb-2">
        Compared with the run of <Time at={other?.created_at} />
        {other && ` (${loadOf(other.settings)})`}.{' '}
        <Link to="." search={{ run: shown }} resetScroll={false} className="underline underline-offset-2">
          Stop comparing
        </Link>
      </p>
      <div className="-mx-4 sm:-mx-5">
        <Table caption="Latencies of two runs" columns={COMPARED} rows={rows} keyOf={({ now }) => now.key} />
      </div>
    </div>
  );
}

const COMPARED: Column<Compared>[] = [
  { head: 'Latency of', cell: ({ now }) => <span className="font-medium">{now.name}</span> },
  ...(['avg', 'p50', 'p95', 'p99'] as const).map((field): Column<Compared> => ({
    head: { avg: 'Mean', p50: 'Median', p95: 'p95', p99: 'p99' }[field],
    cell: ({ before, now }) => <Change before={before?.[field]} now={now[field]} />,
    isNumber: true,
  })),
];

/** Less is better. */
function Change({ before, now }: { before: number | null | undefined; now: number | null }) {
  const percent = changeOf(before, now);
  const rounded = percent === null ? null : Math.round(percent);
  return (
    <span className="whitespace-nowrap">
      {ms(before ?? null)} → {ms(now)}
      {rounded !== null && (
        <span className={`block text-sm ${rounded > 5 ? 'text-bad' : rounded < -5 ? 'text-good' : 'text-muted'}`}>
          {rounded === 0 ? 'the same' : `${number(Math.abs(rounded))}% ${rounded > 0 ? 'slower' : 'faster'}`}
        </span>
      )}
    </span>
  );
}
