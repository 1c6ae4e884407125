import { keepPreviousData } from '@tanstack/react-query';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { ConfirmButton } from '../../ui/dialog';
import { usePager } from '../../ui/filters';
import { Money, Time, money, number } from '../../ui/format';
import { Panel, StatusBadge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { announce } from '../../ui/toast';
import { tickets } from './sold';

type Booking = components['schemas']['Booking'];

const COLUMNS: Column<Booking>[] = [
  {
    head: 'Event',
    cell: ({ event }) => (
      <>
        {event.title}
        <span className="block text-sm text-muted">{event.location}</span>
      </>
    ),
  },
  { head: 'Begins', cell: ({ event }) => <Time at={event.date} /> },
  { head: 'Tickets', cell: ({ num_tickets }) => number(num_tickets), isNumber: true },
  {
    head: 'Total',
    cell: ({ total_cents, currency }) => <Money cents={total_cents} currency={currency} />,
    isNumber: true,
  },
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { head: <span className="sr-only">Actions</span>, cell: (booking) => <Cancel booking={booking} />, isNumber: true },
];

/** The bookings of the customer who is logged in. */
export default function Bookings() {
  const [{ cursor }] = useSearchState();
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/bookings/me',
    { params: { query: { cursor } } },
    { placeholderData: keepPreviousData },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel title="Your bookings" hint="Newest first" isFlush>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton />}
      {!error && data?.bookings.length === 0 && (
        <Empty title="No bookings yet">Choose an event and book tickets.</Empty>
      )}
      {!error && data && data.bookings.length > 0 && (
        <Table caption="Your bookings" columns={COLUMNS} rows={data.bookings} keyOf={({ id }) => id} />
      )}
      <Pager {...pager} />
    </Panel>
  );
}

function Cancel({ booking: { id, status, event, num_tickets, total_cents, currency } }: { booking: Booking }) {
  if (status === 'cancelled') return null;
  async function cancel(): Promise<void> {
    await dataOf<unknown>(client.POST('/api/bookings/{id}/cancel', { params: { path: { id }, header: {} } }));
    announce('The booking is cancelled', `Refunded: ${money(total_cents, currency)}`);
    await queryClient.invalidateQueries();
  }
  return (
    <ConfirmButton
      isSmall
      title={`Cancel your booking of ${event.title}`}
      description={`Gives back ${tickets(num_tickets)} and refunds ${money(total_cents, currency)}.`}
      confirm="Cancel the booking"
      onConfirm={cancel}
      aria-label={`Cancel the booking of ${event.title}`}
    >
      Cancel
    </ConfirmButton>
  );
}
