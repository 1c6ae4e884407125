import { useQuery } from '@tanstack/react-query';
import { useSession } from '../../api/session';
import { money, number } from '../../ui/format';
import { Bars } from '../../ui/page';
import { Panel, Stat } from '../../ui/panel';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { ownEvents, readSales, totals } from './own-sales';

/** Tickets and revenue of the organizer's events. */
export default function SalesPart() {
  const organizer = useSession().caller?.id ?? '';
  const own = useQuery({
    queryKey: ['own-events', organizer],
    queryFn: () => ownEvents(organizer),
    enabled: organizer !== '',
  });
  const events = own.data?.rows ?? [];
  const { data, error, refetch } = useQuery({
    queryKey: ['sales', events.map(({ id, tickets_sold }) => [id, tickets_sold])],
    queryFn: () => readSales(events),
    enabled: own.data !== undefined,
    staleTime: 30_000,
  });
  const failure = own.error ?? error;
  const byRevenue = (data ?? []).toSorted((a, b) => b.cents - a.cents || b.tickets - a.tickets);
  return (
    <>
      {data && data.length > 0 && (
        <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
          {totals(data).map(({ currency, tickets, cents }) => (
            <Stat
              key={currency}
              label={`Revenue in ${currency}`}
              value={money(cents, currency)}
              hint={`${number(tickets)} ${tickets === 1 ? 'ticket' : 'tickets'}`}
            />
          ))}
        </dl>
      )}
      <Panel title="Sales of your events" hint="Bookings that are not cancelled, at the price they were booked for">
        {failure ? <ErrorState error={failure} onRetry={() => void refetch()} /> : !data && <Skeleton />}
        {!failure && data?.length === 0 && (
          <Empty title="You have no events">Publish one, and see its sales here.</Empty>
        )}
        {!failure && (
          <Bars
            label="Revenue of each event"
            rows={byRevenue.map(({ event, tickets, cents, isAll }) => ({
              name: event.title,
              value: cents,
              text: (
                <>
                  <span className="mr-3 text-sm font-normal text-muted">
                    {number(tickets)} of {number(event.total_tickets)} tickets
                  </span>
                  {isAll ? '' : 'at least '}
                  {money(cents, event.currency)}
                </>
              ),
            }))}
          />
        )}
        {own.data?.isAll === false && <p className="mt-3 text-muted">Only your first 2,000 events are counted.</p>}
      </Panel>
    </>
  );
}
