import { useState } from 'react';
import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { Money, Time, number } from '../../ui/format';
import { StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';

type SoldBooking = components['schemas']['SoldBooking'];

const COLUMNS: Column<SoldBooking>[] = [
  {
    head: 'Customer',
    cell: ({ customer }) => (
      <>
        {customer.name}
        <span className="block text-sm text-muted">{customer.email}</span>
      </>
    ),
  },
  { head: 'Tickets', cell: ({ num_tickets }) => number(num_tickets), isNumber: true },
  {
    head: 'Total',
    cell: ({ total_cents, currency }) => <Money cents={total_cents} currency={currency} />,
    isNumber: true,
  },
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { head: 'Booked', cell: ({ created_at }) => <Time at={created_at} show="day" />, isExtra: true },
];

/** The bookings of an event, for its organizer. */
export function EventBookings({ id }: { id: string }) {
  const [cursor, setCursor] = useState<string>();
  const params = { path: { id }, query: { limit: 20, cursor } };
  const { data, error, refetch } = api.useQuery('get', '/api/events/{id}/bookings', { params });
  return (
    <section aria-label="Bookings" className="space-y-2">
      <h3 className="font-semibold">Bookings</h3>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={3} />}
      {data?.bookings.length === 0 && <p className="text-muted">No ticket is booked yet.</p>}
      {data && data.bookings.length > 0 && (
        <div className="overflow-hidden rounded-control border">
          <Table
            caption="Bookings of the event"
            columns={COLUMNS}
            rows={data.bookings}
            keyOf={(booking) => booking.id}
          />
          <Pager
            hasPrevious={cursor !== undefined}
            nextCursor={data.next_cursor}
            onFirst={() => setCursor(undefined)}
            onNext={setCursor}
          />
        </div>
      )}
    </section>
  );
}
