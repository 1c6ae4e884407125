import { keepPreviousData } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../../api/client';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { Json } from '../../ui/code';
import { Dialog } from '../../ui/dialog';
import { Facts } from '../../ui/facts';
import { Time, number } from '../../ui/format';
import { LINK } from '../../ui/row-link';
import { useSearchState } from '../../ui/search';
import { ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { type Run, type Schedule, isRunOpen, periodWords, recurrenceWords } from './recurrence';
import { RunStatus } from './run-status';
import { ActiveSwitch, DeleteSchedule, RunNow } from './schedule-actions';

const RUNNING_MS = 1_000;
const IDLE_MS = 15_000;
const RUNS_PER_PAGE = 10;

/** A schedule with its next due times, and its runs with their requests. */
export function ScheduleDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const mayWrite = useMay('reports:write');
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/schedules/{id}',
    { params: { path: { id } } },
    { refetchInterval: ({ state }) => (isRunOpen(state.data?.last_run ?? null) ? RUNNING_MS : IDLE_MS) },
  );
  return (
    <Dialog title={data?.name ?? 'Schedule'} isOpen onOpenChange={onClose}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={6} />}
      {data && !error && (
        <div className="space-y-5">
          <p className="flex flex-wrap items-center gap-3">
            <ActiveSwitch {...data} />
            {mayWrite && <RunNow id={id} name={data.name} />}
            {mayWrite && <DeleteSchedule id={id} name={data.name} onDone={onClose} />}
          </p>
          <About schedule={data} />
          <NextRuns schedule={data} />
          <Runs id={id} lane={data.lane} isOpen={isRunOpen(data.last_run)} />
          <div className="flex justify-end">
            <Button onClick={onClose}>Close</Button>
          </div>
        </div>
      )}
    </Dialog>
  );
}

function About({ schedule }: { schedule: Schedule }) {
  const { report, payload, period, timezone, lane, callback_url, format, compress } = schedule;
  return (
    <>
      <Facts
        facts={[
          ['Report', report],
          ['Due', `${recurrenceWords(schedule)}, ${timezone}`],
          ['Covers', periodWords(period)],
          ['Format', [format, compress].filter(Boolean).join(', ')],
          ['Lane', lane],
          ['Callback URL', callback_url],
        ]}
      />
      {Object.keys(payload).length > 0 && <Json value={payload} label="Parameters" />}
    </>
  );
}

function NextRuns({ schedule: { is_active, next_runs, delayed, skipped_until } }: { schedule: Schedule }) {
  return (
    <section aria-label="Next runs">
      <h3 className="mb-1 font-medium">Next runs</h3>
      {!is_active && <p className="text-muted">None while it is not active. It can still be run now.</p>}
      <ol className="space-y-0.5">
        {next_runs.map((at) => (
          <li key={at}>
            <Time at={at} />
          </li>
        ))}
      </ol>
      {delayed && (
        <p className="mt-1 text-sm text-warn">
          The run of <Time at={delayed.due_at} /> is delayed and tried again: {delayed.error}
        </p>
      )}
      {skipped_until !== null && (
        <p className="mt-1 text-sm text-warn">
          Due times up to <Time at={skipped_until} /> were skipped, because more than 31 were missed.
        </p>
      )}
    </section>
  );
}

const COLUMNS: Column<Run>[] = [
  { head: 'No.', cell: ({ number: of }) => number(of), isNumber: true },
  {
    head: 'For',
    cell: ({ due_at, trigger }) => (
      <>
        <Time at={due_at} />
        {trigger === 'caller' && <span className="block text-sm text-muted">run by hand</span>}
      </>
    ),
  },
  {
    head: 'Request',
    cell: (run) => (
      <>
        <RunStatus run={run} />
        {run.error !== null && <span className="block text-sm text-bad">{run.error}</span>}
      </>
    ),
  },
];

function Runs({ id, lane, isOpen }: { id: string; lane: string; isOpen: boolean }) {
  const [{ runs: cursor }, change] = useSearchState();
  const { data, error } = api.useQuery(
    'get',
    '/api/schedules/{id}/runs',
    {
      params: {
        path: { id },
        query: { limit: RUNS_PER_PAGE, cursor: cursor === undefined ? undefined : Number(cursor) },
      },
    },
    {
      placeholderData: keepPreviousData,
      refetchInterval: ({ state }) => (isOpen || state.data?.runs.some(isRunOpen) ? RUNNING_MS : IDLE_MS),
    },
  );
  const next = data?.next_cursor ?? null;
  return (
    <section aria-label="Runs">
      <h3 className="mb-1 font-medium">Runs</h3>
      {error ? <ErrorState error={error} /> : !data && <Skeleton rows={3} />}
      {!error && data?.runs.length === 0 && <p className="text-muted">It has not run yet.</p>}
      {!error && data && data.runs.length > 0 && (
        <Table caption="Runs" columns={COLUMNS} rows={data.runs} keyOf={({ number: of }) => String(of)} />
      )}
      <p className="mt-2 flex flex-wrap items-center gap-3">
        <Link to="/app/requests" search={{ lane }} className={LINK}>
          Requests of lane {lane}
        </Link>
        {cursor !== undefined && (
          <Button isSmall onClick={() => change({ runs: undefined })}>
            Newest runs
          </Button>
        )}
        {next !== null && (
          <Button isSmall onClick={() => change({ runs: String(next) })}>
            Older runs
          </Button>
        )}
      </p>
    </section>
  );
}
