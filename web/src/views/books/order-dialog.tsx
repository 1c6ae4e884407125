import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { ConfirmButton, Dialog } from '../../ui/dialog';
import { Money, Time, money } from '../../ui/format';
import { Badge, StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { act } from '../../ui/toast';
import { Facts } from '../../ui/facts';
import { OrderForm } from './order-form';
import { PartLink } from './part-link';

type Order = components['schemas']['Order'];

/** One order with its items and its moves. */
export function OrderDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = api.useQuery('get', '/api/orders/{id}', { params: { path: { id } } });
  const mayWrite = useMay('books:write');
  /** The draft as it was when its form was opened, whose version the change must meet. */
  const [edited, setEdited] = useState<Order | null>(null);
  const stopEditing = () => setEdited(null);
  async function reload(): Promise<void> {
    const { data: order } = await refetch();
    setEdited(order?.status === 'draft' ? order : null);
  }
  return (
    <Dialog title={edited ? 'Edit the draft' : 'Order'} isOpen onOpenChange={onClose}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={6} />}
      {edited && <OrderForm key={edited.version} order={edited} onDone={stopEditing} onReload={() => void reload()} />}
      {data && !error && !edited && (
        <div className="space-y-4">
          <Details order={data} />
          <Items order={data} />
          {mayWrite && <Moves order={data} onEdit={() => setEdited(data)} />}
        </div>
      )}
      <div className="mt-5 flex justify-end">
        <Button onClick={edited ? stopEditing : onClose}>{edited ? 'Back' : 'Close'}</Button>
      </div>
    </Dialog>
  );
}

function Details({ order }: { order: Order }) {
  return (
    <Facts
      facts={[
        [
          'Customer',
          <PartLink key="customer" search={{ tab: 'customers', id: order.customer_id }}>
            {order.customer_email}
          </PartLink>,
        ],
        [
          'Status',
          <span key="status" className="inline-flex gap-1.5">
            <StatusBadge status={order.status} />
            {order.is_archived && <Badge>archived</Badge>}
          </span>,
        ],
        ['Reference', order.external_ref],
        ['Placed', <Time key="placed" at={order.placed_at} />],
        ['Paid', order.paid_at && <Time key="paid" at={order.paid_at} />],
        ['Cancelled', order.cancelled_at && <Time key="cancelled" at={order.cancelled_at} />],
        ['Id', <code key="id">{order.id}</code>],
      ]}
    />
  );
}

function Items({ order: { items, total_cents, currency } }: { order: Order }) {
  const columns: Column<Order['items'][number]>[] = [
    { head: 'Item', cell: ({ sku }) => sku },
    { head: 'Quantity', cell: ({ quantity }) => quantity, isNumber: true },
    {
      head: 'Price',
      cell: ({ unit_price_cents }) => <Money cents={unit_price_cents} currency={currency} />,
      isNumber: true,
    },
    {
      head: 'Amount',
      cell: ({ line_total_cents }) => <Money cents={line_total_cents} currency={currency} />,
      isNumber: true,
    },
  ];
  return (
    <div className="overflow-hidden rounded-control border">
      <Table caption="Items of the order" columns={columns} rows={items} keyOf={({ id }) => id} />
      <p className="flex justify-between border-t px-4 py-2 font-semibold sm:px-5">
        <span>Total</span>
        <Money cents={total_cents} currency={currency} />
      </p>
    </div>
  );
}

const MOVES = {
  pay: '/api/orders/{id}/pay',
  ship: '/api/orders/{id}/ship',
  cancel: '/api/orders/{id}/cancel',
  archive: '/api/orders/{id}/archive',
  unarchive: '/api/orders/{id}/unarchive',
} as const;

async function move(id: string, name: keyof typeof MOVES): Promise<void> {
  await dataOf<unknown>(client.POST(MOVES[name], { params: { path: { id } } }));
  await queryClient.invalidateQueries();
}

/** The moves that the order's status allows: draft → paid → shipped, and draft or paid → cancelled. */
function Moves({
  order: { id, status, is_archived, total_cents, currency },
  onEdit,
}: {
  order: Order;
  onEdit: () => void;
}) {
  const total = money(total_cents, currency);
  return (
    <div className="flex flex-wrap gap-2">
      {status === 'draft' && (
        <ConfirmButton
          kind="primary"
          title={`Pay ${total}`}
          description="Posts the payment to the journal. Items and prices are fixed from then on."
          confirm="Pay"
          onConfirm={() => move(id, 'pay')}
        >
          Pay {total}
        </ConfirmButton>
      )}
      {status === 'draft' && <Button onClick={onEdit}>Edit</Button>}
      {status === 'paid' && (
        <Button kind="primary" onClick={() => void act(() => move(id, 'ship'), 'The order is shipped')}>
          Ship
        </Button>
      )}
      {(status === 'draft' || status === 'paid') && (
        <ConfirmButton
          title="Cancel this order"
          description={
            status === 'paid'
              ? `Posts the reversal of ${total} to the journal. A cancelled order stays cancelled.`
              : 'A cancelled order stays cancelled. Nothing was paid, so nothing is posted.'
          }
          confirm="Cancel the order"
          onConfirm={() => move(id, 'cancel')}
        >
          Cancel the order
        </ConfirmButton>
      )}
      {is_archived ? (
        <Button onClick={() => void act(() => move(id, 'unarchive'), 'The order is in the lists again')}>
          Take out of the archive
        </Button>
      ) : (
        <Button onClick={() => void act(() => move(id, 'archive'), 'The order is archived')}>Archive</Button>
      )}
    </div>
  );
}
