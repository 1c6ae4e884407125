import { Link } from '@tanstack/react-router';
import type { LiveState } from '../../api/live';
import { Download } from '../../ui/download';
import { Time } from '../../ui/format';
import { Badge, Panel, StatusBadge } from '../../ui/panel';
import { Empty, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';

/** Rows of the list. */
const SHOWN = 12;

type Row = LiveState['requests'][number];

const COLUMNS: Column<Row>[] = [
  { head: 'Report', cell: ({ report, id }) => <RequestLink id={id} report={report} /> },
  { head: 'Lane', cell: ({ lane, mode }) => lane ?? mode, isExtra: true },
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { head: 'Accepted', cell: ({ created_at }) => <Time at={created_at} show="time" />, isExtra: true },
  { head: 'File', cell: (row) => <Result row={row} /> },
];

function RequestLink({ id, report }: { id: string; report: string }) {
  return (
    <Link to="/app/requests/$id" params={{ id }} className="font-medium underline-offset-2 hover:underline">
      {report}
    </Link>
  );
}

/** The file, or why there is none. */
function Result({ row: { status, error, result_payload: result } }: { row: Row }) {
  if (status !== 'FAILED') return <Download result={result} isSmall />;
  return (
    <span title={error ?? undefined} className="block max-w-48 truncate text-sm text-muted">
      {error}
    </span>
  );
}

/** @param made The request that was made here, which is marked. */
export function Latest({
  state,
  isConnected,
  made,
}: {
  state: LiveState | null;
  isConnected: boolean;
  made: string | null;
}) {
  return (
    <Panel
      title="What happened last"
      isFlush
      actions={
        <>
          <span aria-live="polite">
            <Badge tone={isConnected ? 'good' : 'warn'}>{isConnected ? 'live' : 'connecting'}</Badge>
          </span>
          <Link to="/app/requests" className="text-sm underline underline-offset-2">
            All requests
          </Link>
        </>
      }
    >
      {state === null && <Skeleton rows={SHOWN} />}
      {state?.requests.length === 0 && <Empty title="No reports yet">The first one appears here as it is made.</Empty>}
      {state !== null && state.requests.length > 0 && (
        <div className="min-h-40">
          <Table
            caption="The newest requests"
            columns={COLUMNS}
            rows={state.requests.slice(0, SHOWN)}
            keyOf={({ id }) => id}
            isSelected={({ id }) => id === made}
          />
        </div>
      )}
    </Panel>
  );
}
