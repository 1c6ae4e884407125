import { keepPreviousData } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { Filters, SelectFilter, TextFilter, usePager } from '../../ui/filters';
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
  const [search] = useSearchState();
  const { cursor } = search;
  const filter = filterOf(search, Date.now());
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/callbacks',
    { params: { query: { ...filter, ...(cursor && { cursor }), limit: 50 } } },
    { refetchInterval: cursor ? false : 3_000, placeholderData: keepPreviousData },
  );
  const mayWrite = useMay('reports:write');
  const pager = usePager(data?.next_cursor);
  return (
    <Panel
      title="Callbacks"
      hint="Dead ones have used up their attempts, or the receiver refused them for good."
      actions={mayWrite && filter.status !== 'PENDING' && <RedeliverMatching filter={filter} />}
      isFlush
    >
      <Filters label="Filter callbacks" names={['status', 'destination', 'since']}>
        <SelectFilter label="Status" name="status" all="Dead" options={STATUSES} />
        <TextFilter
          label="Destination"
          name="destination"
          placeholder="https://example.com"
          className="w-full sm:w-72"
        />
        <SelectFilter label="Created" name="since" all="At any time" options={PERIODS} />
      </Filters>
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
      <Pager {...pager} />
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
