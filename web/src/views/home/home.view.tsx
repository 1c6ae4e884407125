import { Link } from '@tanstack/react-router';
import { api, client, dataOf, queryClient } from '../../api/client';
import { type LiveState, useLive } from '../../api/live';
import { useMay } from '../../api/session';
import { Button, buttonClasses } from '../../ui/button';
import { Time, compact, duration, number } from '../../ui/format';
import { Page } from '../../ui/page';
import { Panel, Stat, StatusBadge } from '../../ui/panel';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { act } from '../../ui/toast';

const SHOWN = 12;

/** What happens now, and a report in one click. */
export function HomeView() {
  const mayRead = useMay('reports:read');
  return (
    <Page
      title="Home"
      intro="Orders and bookings come in, reports go out in strict order, and nothing is lost."
      actions={useMay('reports:write') && <MakeReport />}
    >
      {mayRead ? <Overview /> : <Health />}
    </Page>
  );
}

function Overview() {
  const { state } = useLive({ limit: SHOWN });
  return (
    <>
      <Figures state={state} />
      <div className="grid items-start gap-5 lg:grid-cols-[1fr_20rem]">
        <Latest state={state} />
        <Health />
      </div>
    </>
  );
}

/** A report that shows something: a CSV of a month, into the default lane. */
function MakeReport() {
  const body = { report: 'transactions', payload: { num_transactions: 200 }, callback_url: null } as const;
  const make = () =>
    act(async () => {
      await dataOf(client.POST('/api/async', { body, params: { header: {} } }));
      await queryClient.invalidateQueries();
    }, 'The report is on its way');
  return (
    <Button kind="primary" onClick={() => void make()}>
      Make a report
    </Button>
  );
}

function Figures({ state }: { state: LiveState | null }) {
  const lanes = state?.lanes ?? [];
  const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
  const waiting = total(lanes.map(({ pending }) => pending));
  const running = total(lanes.map(({ in_progress }) => in_progress));
  const perMinute = total(lanes.map(({ drain_rate_per_minute }) => drain_rate_per_minute));
  const oldest = Math.max(0, ...lanes.map(({ head_age_seconds }) => head_age_seconds ?? 0));
  const failed = state?.requests.filter(({ status }) => status === 'FAILED').length ?? 0;
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Stat label="Waiting" value={state ? compact(waiting) : '–'} hint={`${number(running)} running`} />
      <Stat
        label="Oldest waiting"
        value={state ? duration(oldest * 1_000) : '–'}
        hint="in any lane"
        tone={oldest > 300 ? 'warn' : undefined}
      />
      <Stat
        label="Throughput"
        value={state ? compact(Math.round(perMinute)) : '–'}
        hint="reports a minute, of running lanes"
      />
      <Stat
        label="Failed"
        value={state ? number(failed) : '–'}
        hint={`of the last ${number(state?.requests.length ?? 0)}`}
        tone={failed > 0 ? 'bad' : undefined}
      />
    </dl>
  );
}

const COLUMNS: Column<LiveState['requests'][number]>[] = [
  { head: 'Report', cell: ({ report, id }) => <RequestLink id={id}>{report}</RequestLink> },
  { head: 'Lane', cell: ({ lane, mode }) => lane ?? mode, isExtra: true },
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { head: 'Accepted', cell: ({ created_at }) => <Time at={created_at} show="time" /> },
  { head: 'File', cell: ({ result_payload }) => <Download result={result_payload} /> },
];

function RequestLink({ id, children }: { id: string; children: string }) {
  const path: string = `/app/requests/${id}`;
  return (
    <Link to={path} className="font-medium underline-offset-2 hover:underline">
      {children}
    </Link>
  );
}

function Download({ result }: { result: Record<string, unknown> | null }) {
  const name = result?.['file_name'];
  if (typeof name !== 'string') return <span className="text-muted">–</span>;
  return (
    <a href={`/api/reports/${encodeURIComponent(name)}`} download className={buttonClasses('secondary', true)}>
      Download
    </a>
  );
}

function Latest({ state }: { state: LiveState | null }) {
  return (
    <Panel title="What happened last" isFlush>
      {state === null && <Skeleton rows={SHOWN} />}
      {state?.requests.length === 0 && <Empty title="No reports yet">Make one with the button above.</Empty>}
      {state !== null && state.requests.length > 0 && (
        <Table caption="The newest requests" columns={COLUMNS} rows={state.requests} keyOf={({ id }) => id} />
      )}
    </Panel>
  );
}

function Health() {
  const { data, error, refetch } = api.useQuery('get', '/api/health', {}, { refetchInterval: 10_000 });
  return (
    <Panel title="Health">
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {data && (
        <ul className="space-y-2">
          <li className="flex justify-between">
            <span className="font-medium">Service</span>
            <StatusBadge status={data.status} />
          </li>
          {'dependencies' in data &&
            Object.entries(data.dependencies).map(([name, { status, cause, latency_ms }]) => (
              <li key={name} className="flex justify-between gap-3">
                <span className="capitalize">{name}</span>
                <span className="flex items-center gap-2 text-sm text-muted">
                  {cause ?? (latency_ms === null ? '' : duration(latency_ms))}
                  <StatusBadge status={status} />
                </span>
              </li>
            ))}
        </ul>
      )}
    </Panel>
  );
}
