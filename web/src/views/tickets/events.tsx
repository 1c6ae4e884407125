import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useSession } from '../../api/session';
import { Filters, TextFilter, TimeFilter, usePager } from '../../ui/filters';
import { Money, Time } from '../../ui/format';
import { Panel } from '../../ui/panel';
import { RowLink } from '../../ui/row-link';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { EventDialog } from './event-dialog';
import { NewEvent } from './event-form';
import { Sold } from './sold';

type TicketEvent = components['schemas']['Event'];

const FILTERS = ['q', 'location', 'from', 'to'];

export const EVENT_COLUMNS: Column<TicketEvent>[] = [
  {
    head: 'Event',
    cell: ({ id, title, organizer }) => (
      <>
        <RowLink id={id}>{title}</RowLink>
        <span className="block text-sm text-muted">{organizer.name}</span>
      </>
    ),
  },
  { head: 'Begins', cell: ({ date }) => <Time at={date} /> },
  { head: 'Location', cell: ({ location }) => location, isExtra: true },
  {
    head: 'Tickets sold',
    cell: ({ tickets_sold, total_tickets }) => <Sold sold={tickets_sold} total={total_tickets} />,
  },
  { head: 'Price', cell: (event) => <Price {...event} />, isNumber: true },
];

/** The price of one ticket. */
export function Price({ price_cents, currency }: Pick<TicketEvent, 'price_cents' | 'currency'>) {
  return price_cents === 0 ? 'Free' : <Money cents={price_cents} currency={currency} />;
}

/** The events that are public, the soonest first. */
export function Events() {
  const [search, change] = useSearchState();
  const role = useSession().caller?.role;
  const query = { ...Object.fromEntries(FILTERS.map((name) => [name, search[name]])), cursor: search['cursor'] };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/events',
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 15_000 },
  );
  const pager = usePager(data?.next_cursor);
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  return (
    <Panel title="Events" hint="The soonest first" isFlush actions={role === 'organizer' && <NewEvent />}>
      <Filters label="Filter events" names={FILTERS}>
        <TextFilter label="Title or description" name="q" placeholder="Part of it" />
        <TextFilter label="Location" name="location" placeholder="Part of it" className="w-full sm:w-44" />
        <TimeFilter label="Begins from" name="from" />
        <TimeFilter label="Begins before" name="to" />
      </Filters>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={8} />}
      {!error && data && data.events.length > 0 && (
        <Table caption="Events" columns={EVENT_COLUMNS} rows={data.events} keyOf={({ id }) => id} />
      )}
      {!error && data?.events.length === 0 && (
        <Empty title={isFiltered ? 'No event matches' : 'No events yet'}>
          {isFiltered
            ? 'Change the filters, or clear them. Past events are shown from the time in "Begins from".'
            : 'An organizer publishes the first one.'}
        </Empty>
      )}
      <Pager {...pager} />
      {search['id'] !== undefined && <EventDialog id={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}
