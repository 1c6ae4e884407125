import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { CheckFilter, Filters, SelectFilter, TextFilter, TimeFilter, usePager } from '../../ui/filters';
import { Money, Time } from '../../ui/format';
import { Badge, Panel, StatusBadge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { RowLink } from '../../ui/row-link';
import { OrderDialog } from './order-dialog';
import { NewOrder } from './order-form';
import { SeedOffer } from './seed';

type Order = components['schemas']['Order'];

const FILTERS = ['status', 'email', 'customer_id', 'placed_from', 'placed_to', 'include_archived'];
const STATUSES = ['draft', 'paid', 'shipped', 'cancelled'] as const;

const COLUMNS: Column<Order>[] = [
  {
    head: 'Customer',
    cell: ({ id, customer_email }) => <RowLink id={id}>{customer_email}</RowLink>,
  },
  {
    head: 'Status',
    cell: ({ status, is_archived }) => (
      <span className="inline-flex gap-1.5">
        <StatusBadge status={status} />
        {is_archived && <Badge>archived</Badge>}
      </span>
    ),
  },
  {
    head: 'Reference',
    cell: ({ external_ref }) => external_ref ?? <span className="text-muted">–</span>,
    isExtra: true,
  },
  { head: 'Items', cell: ({ items }) => items.length, isNumber: true, isExtra: true },
  { head: 'Placed', cell: ({ placed_at }) => <Time at={placed_at} show="day" /> },
  {
    head: 'Total',
    cell: ({ total_cents, currency }) => <Money cents={total_cents} currency={currency} />,
    isNumber: true,
  },
];

/** The orders, newest first, with filters; one of them in a dialog. */
export default function Orders() {
  const [search, change] = useSearchState();
  const mayWrite = useMay('books:write');
  const query = {
    ...Object.fromEntries(FILTERS.map((name) => [name, search[name]])),
    cursor: search['cursor'],
  };
  const { data, error, refetch, isPlaceholderData } = api.useQuery(
    'get',
    '/api/orders',
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 15_000 },
  );
  const pager = usePager(data?.next_cursor);
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  return (
    <Panel title="Orders" hint="Newest first" isFlush actions={mayWrite && <NewOrder />}>
      <Filters label="Filter orders" names={FILTERS}>
        <SelectFilter label="Status" name="status" options={STATUSES} />
        <TextFilter label="Customer's email" name="email" placeholder="Part of the address" />
        <TimeFilter label="Placed from" name="placed_from" />
        <TimeFilter label="Placed before" name="placed_to" />
        <CheckFilter label="Show archived" name="include_archived" />
      </Filters>
      {search['customer_id'] !== undefined && (
        <p className="border-t bg-accent-soft px-4 py-2 text-sm sm:px-5">Only the orders of one customer are shown.</p>
      )}
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={12} />}
      {!error && data && data.orders.length > 0 && (
        <div className={isPlaceholderData ? 'opacity-60' : undefined}>
          <Table caption="Orders" columns={COLUMNS} rows={data.orders} keyOf={({ id }) => id} />
        </div>
      )}
      {!error && data?.orders.length === 0 && (isFiltered ? <NoneFound /> : <SeedOffer />)}
      <Pager {...pager} />
      {search['id'] !== undefined && <OrderDialog id={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}

function NoneFound() {
  return <Empty title="No order matches">Change the filters, or clear them to see all orders.</Empty>;
}
