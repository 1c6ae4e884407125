import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import { useMay } from '../../api/session';
import { usePager } from '../../ui/filters';
import { Time } from '../../ui/format';
import { Panel } from '../../ui/panel';
import { RowLink } from '../../ui/row-link';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { type Run, type Schedule, isRunOpen, recurrenceWords } from './recurrence';
import { ActiveSwitch, DeleteSchedule, RunNow } from './schedule-actions';
import { RunStatus } from './run-status';
import { ScheduleDialog } from './schedule-dialog';

/** How often results are read while a report of a schedule runs, and else. */
const RUNNING_MS = 1_500;
const IDLE_MS = 15_000;

const COLUMNS: Column<Schedule>[] = [
  {
    head: 'Schedule',
    cell: ({ id, name, report }) => (
      <span className="block min-w-36">
        <RowLink id={id}>{name}</RowLink>
        <span className="block text-sm text-muted">{report}</span>
      </span>
    ),
  },
  {
    head: 'Due',
    cell: (schedule) => (
      <>
        {recurrenceWords(schedule)}
        <span className="block text-sm text-muted">{schedule.timezone}</span>
      </>
    ),
  },
  { head: 'Next run', cell: (schedule) => <NextRun {...schedule} /> },
  { head: 'Last result', cell: ({ last_run }) => <LastResult run={last_run} /> },
  { head: 'By itself', cell: (schedule) => <ActiveSwitch {...schedule} /> },
];
const ACTIONS: Column<Schedule> = {
  head: <span className="sr-only">Actions</span>,
  cell: ({ id, name }) => (
    <span className="flex justify-end gap-2">
      <RunNow {...{ id, name }} />
      <DeleteSchedule {...{ id, name }} onDone={() => undefined} />
    </span>
  ),
  isNumber: true,
};

/** The schedules, newest first. */
export function ScheduleList() {
  const [search, change] = useSearchState();
  const mayWrite = useMay('reports:write');
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/schedules',
    { params: { query: { cursor: search['cursor'] } } },
    {
      placeholderData: keepPreviousData,
      refetchInterval: ({ state }) =>
        state.data?.schedules.some(({ last_run }) => isRunOpen(last_run)) ? RUNNING_MS : IDLE_MS,
    },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel title="Schedules" hint="Newest first. Times are in your zone." isFlush>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={8} />}
      {!error && data && data.schedules.length > 0 && (
        <Table
          caption="Schedules"
          columns={mayWrite ? [...COLUMNS, ACTIONS] : COLUMNS}
          rows={data.schedules}
          keyOf={({ id }) => id}
        />
      )}
      {!error && data?.schedules.length === 0 && (
        <Empty title="No schedules">
          {mayWrite
            ? 'Open New schedule to have a report made every day, week or month.'
            : 'A key with reports:write can add one.'}
        </Empty>
      )}
      <Pager {...pager} />
      {search['id'] !== undefined && (
        <ScheduleDialog id={search['id']} onClose={() => change({ id: undefined, runs: undefined })} />
      )}
    </Panel>
  );
}

function NextRun({ is_active, next_runs, delayed }: Schedule) {
  if (!is_active) return <span className="text-muted">–</span>;
  return (
    <>
      <Time at={next_runs[0]} />
      {delayed && <span className="block max-w-56 text-sm text-warn">Delayed: {delayed.error}</span>}
    </>
  );
}

/** The status of the newest run, and why it failed. */
function LastResult({ run }: { run: Run | null }) {
  if (!run) return <span className="text-muted">none yet</span>;
  return (
    <>
      <RunStatus run={run} />
      {run.error !== null && <span className="block max-w-64 min-w-40 text-sm text-bad">{run.error}</span>}
    </>
  );
}
