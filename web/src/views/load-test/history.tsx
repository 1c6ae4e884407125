import { Button } from '../../ui/button';
import { Time, duration } from '../../ui/format';
import { Panel, StatusBadge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { loadOf, type MeasureKey, measuresOf, type Run, speedupOf } from './figures';

/** The runs of this installation, newest first. One is shown above, and another can be compared with it. */
export function History({ runs, shown }: { runs: Run[]; shown: string | undefined }) {
  return (
    <Panel title="History" hint="The newest 50 of up to 200 runs that are kept." isFlush>
      {runs.length === 0 ? (
        <Empty title="No load test has run">Start one with the button above. It takes a few seconds.</Empty>
      ) : (
        <Table
          caption="Load tests, newest first"
          columns={columns(shown)}
          rows={runs}
          keyOf={({ id }) => id}
          isSelected={({ id }) => id === shown}
        />
      )}
    </Panel>
  );
}

function p95Of(run: Run, key: MeasureKey): string {
  const value = measuresOf(run).find((measure) => measure.key === key)?.p95 ?? null;
  return value === null ? '–' : duration(value);
}

function columns(shown: string | undefined): Column<Run>[] {
  return [
    { head: 'Started', cell: ({ created_at }) => <Time at={created_at} /> },
    { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
    {
      head: 'Load',
      cell: ({ settings, mode }) => (
        <span className="block min-w-48 text-sm">
          {mode === 'both' ? 'sync and async' : mode}: {loadOf(settings)}
        </span>
      ),
      isExtra: true,
    },
    { head: 'Sync p95', cell: (run) => p95Of(run, 'sync'), isNumber: true },
    { head: 'Accept p95', cell: (run) => p95Of(run, 'accept'), isNumber: true },
    { head: 'Callback p95', cell: (run) => p95Of(run, 'callback'), isNumber: true },
    {
      head: 'Speed-up',
      cell: (run) => (speedupOf(run) === null ? '–' : `${speedupOf(run)}×`),
      isNumber: true,
    },
    { head: <span className="sr-only">Act</span>, cell: (run) => <Choose run={run} shown={shown} /> },
  ];
}

function Choose({ run, shown }: { run: Run; shown: string | undefined }) {
  const [, change] = useSearchState();
  if (run.id === shown) return <span className="text-sm text-muted">shown above</span>;
  const when = new Date(run.created_at).toLocaleString();
  return (
    <span className="flex gap-1.5">
      <Button isSmall aria-label={`Show the run of ${when}`} onClick={() => change({ run: run.id, with: undefined })}>
        Show
      </Button>
      {run.result !== null && shown !== undefined && (
        <Button
          isSmall
          aria-label={`Compare with the run of ${when}`}
          onClick={() => change({ run: shown, with: run.id })}
        >
          Compare
        </Button>
      )}
    </span>
  );
}
