import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useSession } from '../../api/session';
import { useForm } from '../../api/use-form';
import { Button } from '../../ui/button';
import { ConfirmButton, Dialog } from '../../ui/dialog';
import { Facts } from '../../ui/facts';
import { TextField } from '../../ui/field';
import { Time, money, number } from '../../ui/format';
import { StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { announce } from '../../ui/toast';
import { EventBookings } from './event-bookings';
import { EventForm } from './event-form';
import { Sold, tickets } from './sold';

type TicketEvent = components['schemas']['Event'];

/** One event: a customer books tickets, its organizer changes it and sees its bookings. */
export function EventDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { caller } = useSession();
  const [isEdited, setEdited] = useState(false);
  const { data, error, refetch } = api.useQuery('get', '/api/events/{id}', { params: { path: { id } } });
  const isOwn = caller?.role === 'organizer' && data?.organizer.id === caller.id && data.status === 'active';
  return (
    <Dialog title={data?.title ?? 'Event'} isOpen onOpenChange={onClose}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={6} />}
      {data && !error && isEdited && <EventForm event={data} onDone={() => setEdited(false)} />}
      {data && !error && !isEdited && (
        <div className="space-y-5">
          <Details event={data} />
          {caller?.role === 'customer' && data.status === 'active' && <Book event={data} />}
          {caller?.role === 'organizer' && data.organizer.id === caller.id && <EventBookings id={id} />}
          {isOwn && (
            <div className="flex flex-wrap gap-2">
              <Button onClick={() => setEdited(true)}>Change</Button>
              <CancelEvent event={data} onDone={onClose} />
            </div>
          )}
        </div>
      )}
      <div className="mt-5 flex justify-end">
        <Button onClick={isEdited ? () => setEdited(false) : onClose}>{isEdited ? 'Back' : 'Close'}</Button>
      </div>
    </Dialog>
  );
}

function Details({ event }: { event: TicketEvent }) {
  return (
    <>
      {event.description !== '' && <p className="whitespace-pre-wrap">{event.description}</p>}
      <Facts
        facts={[
          ['Status', event.status === 'active' ? null : <StatusBadge key="status" status={event.status} />],
          ['Begins', <Time key="date" at={event.date} />],
          ['Location', event.location],
          ['Organizer', event.organizer.name],
          ['Price', event.price_cents === 0 ? 'Free' : money(event.price_cents, event.currency)],
          ['Tickets', <Sold key="sold" sold={event.tickets_sold} total={event.total_tickets} />],
        ]}
      />
    </>
  );
}

function Book({ event: { id, price_cents, currency, total_tickets, tickets_sold } }: { event: TicketEvent }) {
  const left = total_tickets - tickets_sold;
  const [count, setCount] = useState('1');
  const { isBusy, error, errorOf, onSubmit } = useForm(async () => {
    const body = { event_id: id, num_tickets: Number(count) };
    // After a refusal, too: then fewer tickets are left than the dialog says.
    const done = () => void queryClient.invalidateQueries();
    const booking = await dataOf(client.POST('/api/bookings', { body, params: { header: {} } })).finally(done);
    announce('Booked', `${tickets(booking.num_tickets)}, ${money(booking.total_cents, booking.currency)}`);
    setCount('1');
  });
  if (left === 0) return <p className="font-medium">Sold out.</p>;
  return (
    <form onSubmit={onSubmit} className="rounded-control border p-4">
      <div className="flex flex-wrap items-start gap-3">
        <TextField
          label="Tickets"
          type="number"
          min={1}
          required
          value={count}
          error={errorOf('num_tickets')}
          className="w-44"
          onChange={(event) => setCount(event.target.value)}
        />
        <Button type="submit" kind="primary" isBusy={isBusy} className="mt-6">
          Book for {money(price_cents * Math.max(0, Number(count)), currency)}
        </Button>
      </div>
      {error !== null && errorOf('num_tickets') === null && <ErrorState error={error} />}
    </form>
  );
}

function CancelEvent({ event: { id, title, tickets_sold }, onDone }: { event: TicketEvent; onDone: () => void }) {
  async function cancel(): Promise<void> {
    const answer = await dataOf(client.DELETE('/api/events/{id}', { params: { path: { id } } }));
    announce('The event is cancelled', `${number(answer.cancelled_bookings)} bookings are refunded`);
    onDone();
    await queryClient.invalidateQueries();
  }
  return (
    <ConfirmButton
      title={`Cancel ${title}`}
      description={
        tickets_sold === 0
          ? 'No ticket is sold, so the event is deleted.'
          : `Cancels and refunds all its bookings, with ${tickets(tickets_sold)}. Each customer gets a mail.`
      }
      confirm="Cancel the event"
      onConfirm={cancel}
    >
      Cancel the event
    </ConfirmButton>
  );
}
