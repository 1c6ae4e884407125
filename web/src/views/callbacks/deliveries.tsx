import { keepPreviousData } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { SelectField, TextField } from '../../ui/field';
import { ShortId, Time, number } from '../../ui/format';
import { Panel, StatusBadge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { act } from '../../ui/toast';
import { Destinations } from './destinations';
import { filterOf, PERIODS, STATUSES } from './filter';
import { Redeliveries, RedeliverMatching } from './redeliveries';

type Delivery = components['schemas']['CallbackDelivery'];

/** Where callbacks fail, the callbacks themselves, and jobs that send them again. */
export function Deliveries() {
  return (
    <>
      {useMay('admin') && <Destinations />}
      <List />
      <Redeliveries />
    </>
  );
}

function List() {
  const [search, change] = useSearchState();
  const { cursor } = search;
  const filter = filterOf(search, Date.now());
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/callbacks',
    { params: { query: { ...filter, ...(cursor && { cursor }), limit: 50 } } },
    { refetchInterval: cursor ? false : 3_000, placeholderData: keepPreviousData },
  );
  const mayWrite = useMay('reports:write');
  return (
    <Panel
      title="Callbacks"
      hint="Dead ones have used up their attempts, or the receiver refused them for good."
      actions={mayWrite && filter.status !== 'PENDING' && <RedeliverMatching filter={filter} />}
      isFlush
    >
      <Filters />
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={6} />}
      {data?.callbacks.length === 0 && <NoneFound status={filter.status} />}
      {data && data.callbacks.length > 0 && (
        <Table
          caption="Callbacks, newest first"
          columns={columns(mayWrite)}
          rows={data.callbacks}
          keyOf={({ webhook_id }) => webhook_id}
        />
      )}
      <Pager
        hasPrevious={cursor !== undefined}
        nextCursor={data?.next_cursor}
        onFirst={() => change({ cursor: undefined })}
        onNext={(next) => change({ cursor: next })}
      />
    </Panel>
  );
}

function NoneFound({ status }: { status: Delivery['status'] | undefined }) {
  const [, change] = useSearchState();
  return (
    <Empty title={status === 'FAILED' ? 'No dead callbacks' : 'No callbacks match'}>
      {status === 'FAILED' && <p>Every callback was delivered, or is still being tried.</p>}
      <Button
        isSmall
        className="mt-3"
        onClick={() => change({ status: 'all', destination: undefined, since: undefined, cursor: undefined })}
      >
        Show all callbacks
      </Button>
    </Empty>
  );
}

function Filters() {
  const [search, change] = useSearchState();
  return (
    <form
      role="search"
      aria-label="Filter callbacks"
      onSubmit={(event) => event.preventDefault()}
      className="grid gap-3 border-t px-4 py-3 sm:grid-cols-[11rem_1fr_11rem] sm:px-5"
    >
      <SelectField
        label="Status"
        options={STATUSES}
        value={search['status'] ?? 'FAILED'}
        onChange={({ target }) => change({ status: target.value, cursor: undefined })}
      />
      <TextField
        key={search['destination'] ?? ''}
        label="Destination"
        type="search"
        placeholder="https://example.com"
        defaultValue={search['destination'] ?? ''}
        onBlur={({ target }) => change({ destination: target.value.trim() || undefined, cursor: undefined }, true)}
        onKeyDown={({ key, currentTarget }) => key === 'Enter' && currentTarget.blur()}
      />
      <SelectField
        label="Accepted"
        options={PERIODS}
        value={search['since'] ?? ''}
        onChange={({ target }) => change({ since: target.value, cursor: undefined })}
      />
    </form>
  );
}

const NAMES: Record<Delivery['status'], string> = { FAILED: 'dead', PENDING: 'waiting', SUCCESS: 'delivered' };

function columns(mayWrite: boolean): Column<Delivery>[] {
  return [
    { head: 'Status', cell: ({ status }) => <StatusBadge status={status} text={NAMES[status]} /> },
    { head: 'Destination', cell: ({ url }) => <Url url={url} /> },
    { head: 'Request', cell: ({ request_id }) => <RequestLink id={request_id} /> },
    { head: 'Attempts', cell: ({ attempts }) => number(attempts), isNumber: true },
    {
      head: 'Why not delivered',
      cell: ({ error }) => <span className="line-clamp-2 max-w-80 min-w-40 text-sm">{error ?? '–'}</span>,
    },
    {
      head: 'Next attempt',
      cell: ({ next_attempt_at }) => <Time at={next_attempt_at} show="time" />,
      isExtra: true,
    },
    { head: 'Created', cell: ({ created_at }) => <Time at={created_at} />, isExtra: true },
    ...(mayWrite
      ? [{ head: <span className="sr-only">Act</span>, cell: (row: Delivery) => <Redeliver {...row} /> }]
      : []),
  ];
}

export function RequestLink({ id }: { id: string }) {
  const path: string = `/app/requests/${id}`;
  return (
    <Link to={path} className="underline underline-offset-2">
      <ShortId id={id} />
    </Link>
  );
}

function Url({ url }: { url: string }) {
  return (
    <span title={url} className="block max-w-64 min-w-40 truncate">
      {url}
    </span>
  );
}

function Redeliver({ request_id, status }: Delivery) {
  if (status === 'PENDING') return null;
  const send = () =>
    act(async () => {
      await dataOf(client.POST('/api/requests/{id}/redeliver', { params: { path: { id: request_id } } }));
      await queryClient.invalidateQueries();
    }, 'The callback is sent again');
  return (
    <Button isSmall onClick={() => void send()} aria-label={`Redeliver the callback of request ${request_id}`}>
      Redeliver
    </Button>
  );
}
