import { Link } from '@tanstack/react-router';
import { keepPreviousData } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/client';
import { useLive } from '../../api/live';
import type { components } from '../../api/schema.generated';
import { Button } from '../../ui/button';
import { ShortId, Time, duration } from '../../ui/format';
import { Badge, Panel, StatusBadge } from '../../ui/panel';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import type { Filter } from './request-filter';

type Row = components['schemas']['Request'];

const LIMIT = 50;
const POLL_MS = 5_000;

interface ListProps {
  filter: Filter;
  isFiltered: boolean;
  onClear: () => void;
  /** Opens the page behind a cursor; the first one without. */
  onTurn: (cursor: string | undefined) => void;
}

const useList = (filter: Filter, cursor: string | undefined, pollMs: number | false) =>
  api.useQuery(
    'get',
    '/api/requests',
    { params: { query: { ...filter, limit: LIMIT, ...(cursor !== undefined && { cursor }) } } },
    { refetchInterval: pollMs, placeholderData: keepPreviousData },
  );

/** The newest requests. A search is not live: it takes too long to be repeated. */
export function FirstPage(props: ListProps) {
  const { filter } = props;
  const { data, error, refetch, dataUpdatedAt } = useList(filter, undefined, filter.q === undefined ? POLL_MS : false);
  // While the service is away, its last state stays on the page.
  if (error && (!data || filter.q !== undefined)) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  if (filter.q !== undefined) return <Rows {...props} rows={data.requests} nextCursor={data.next_cursor} />;
  return <LiveRows {...props} page={data} readAtMs={dataUpdatedAt} isAway={error !== null} />;
}

/** A page behind a cursor. Its requests stay the same, and their state is the newest. */
export function LaterPage({ cursor, ...props }: ListProps & { cursor: string }) {
  const { data, error, refetch } = useList(props.filter, cursor, false);
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  return <Rows {...props} isLater rows={data.requests} nextCursor={data.next_cursor} />;
}

function LiveRows({
  page,
  readAtMs,
  isAway,
  ...props
}: ListProps & { page: components['schemas']['RequestPage']; readAtMs: number; isAway: boolean }) {
  const { state, receivedAtMs, isConnected } = useLive({ ...props.filter, limit: LIMIT });
  const rows = state && (isConnected || receivedAtMs >= readAtMs) ? state.requests : page.requests;
  // A live view has no cursor: it is the id of the last request.
  const hasMore = rows.length >= LIMIT || page.next_cursor !== null;
  const polled = isAway ? <Badge tone="warn">No answer</Badge> : <Badge>Every {POLL_MS / 1_000} seconds</Badge>;
  const note = isConnected ? <Badge tone="good">Live</Badge> : polled;
  return <Rows {...props} rows={rows} nextCursor={hasMore ? (rows.at(-1)?.id ?? null) : null} note={note} />;
}

const Failed = (props: { error: unknown; onRetry: () => void }) => (
  <Panel title="Requests">
    <ErrorState {...props} />
  </Panel>
);

const Loading = () => (
  <Panel title="Requests" isFlush>
    <Skeleton rows={12} />
  </Panel>
);

const COLUMNS: Column<Row>[] = [
  {
    head: 'Request',
    cell: ({ id, report }) => (
      <Link to="/app/requests/$id" params={{ id }} className="group block min-h-6">
        <span className="font-medium underline-offset-2 group-hover:underline">{report}</span>{' '}
        <span className="text-muted">
          <ShortId id={id} />
        </span>
      </Link>
    ),
  },
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  {
    head: 'Lane',
    cell: ({ lane, mode, queue_position: position }) =>
      lane === null ? <span className="text-muted">{mode}</span> : `${lane} #${position}`,
    isExtra: true,
  },
  { head: 'Callback', cell: (row) => <Callback row={row} />, isExtra: true },
  { head: 'Accepted', cell: ({ created_at }) => <Time at={created_at} /> },
  { head: 'Took', cell: (row) => <Took row={row} />, isNumber: true, isExtra: true },
];

function Callback({ row }: { row: Row }) {
  const { callback_status: status, callback_attempts: attempts, callback_error: error } = row;
  if (status === null) return <span className="text-muted">none</span>;
  const word = { SUCCESS: 'delivered', FAILED: 'failed', PENDING: 'not sent yet' }[status];
  const isRetried = status === 'PENDING' && attempts > 0;
  return (
    <span className="flex items-center gap-2 whitespace-nowrap" title={error ?? undefined}>
      <Badge tone={status === 'SUCCESS' ? 'good' : status === 'FAILED' ? 'bad' : isRetried ? 'warn' : 'muted'}>
        {isRetried ? 'retrying' : word}
      </Badge>
      {attempts > 1 && <span className="text-sm text-muted">{attempts} attempts</span>}
    </span>
  );
}

function Took({ row }: { row: Row }) {
  if (row.started_at === null || row.completed_at === null) return <span className="text-muted">–</span>;
  return duration(Date.parse(row.completed_at) - Date.parse(row.started_at));
}

function Rows({
  rows,
  nextCursor,
  isLater = false,
  note,
  filter,
  isFiltered,
  onClear,
  onTurn,
}: ListProps & { rows: Row[]; nextCursor: string | null; isLater?: boolean; note?: ReactNode }) {
  const isSearching = filter.q !== undefined && nextCursor !== null && rows.length < LIMIT;
  return (
    <Panel title="Requests" actions={note} isFlush>
      {rows.length === 0 && !isSearching && <Nothing isFiltered={isFiltered} isLater={isLater} onClear={onClear} />}
      {rows.length > 0 && <Table caption="Requests" columns={COLUMNS} rows={rows} keyOf={({ id }) => id} />}
      {isSearching && (
        <div className="px-5 py-4 text-center text-muted">
          <p>The search looked through a part of the requests. Older ones may match, too.</p>
          <Button isSmall className="mt-2" onClick={() => onTurn(nextCursor)}>
            Search older requests
          </Button>
        </div>
      )}
      <Pager
        hasPrevious={isLater}
        nextCursor={isSearching ? null : nextCursor}
        onFirst={() => onTurn(undefined)}
        onNext={onTurn}
      />
    </Panel>
  );
}

function Nothing({ isFiltered, isLater, onClear }: { isFiltered: boolean; isLater: boolean; onClear: () => void }) {
  if (isLater) return <Empty title="No more requests">Go back to the first page to see the newest.</Empty>;
  if (!isFiltered) return <Empty title="No requests yet">Ask for a report in Generate; it appears here at once.</Empty>;
  return (
    <Empty title="No request matches">
      Choose a longer time, or fewer filters.{' '}
      <Button isSmall className="ml-1" onClick={onClear}>
        Clear all filters
      </Button>
    </Empty>
  );
}
