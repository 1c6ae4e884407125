import { useState } from 'react';
import { client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useForm } from '../../api/use-form';
import { centsOf, decimalOf } from '../../ui/amount';
import { Button } from '../../ui/button';
import { FormDialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { instant, localTime } from '../../ui/filters';
import { AmountField, CurrencyField } from '../../ui/money-fields';
import { useSearchState } from '../../ui/search';
import { ErrorState } from '../../ui/states';
import { announce } from '../../ui/toast';

type TicketEvent = components['schemas']['Event'];

/** A button that opens the form of a new event. */
export function NewEvent() {
  const [, change] = useSearchState();
  return (
    <FormDialog label="New event" description="It is public as soon as it is published.">
      {(close) => (
        <EventForm
          onDone={(id) => {
            close();
            change({ id });
          }}
        />
      )}
    </FormDialog>
  );
}

/** @param event The one to change; a new one without it. */
export function EventForm({ event, onDone }: { event?: TicketEvent; onDone: (id: string) => void }) {
  const [currency, setCurrency] = useState(event?.currency ?? 'USD');
  const [price, setPrice] = useState(event ? decimalOf(event.price_cents, event.currency) : '');
  const cents = centsOf(price, currency);
  const { isBusy, error, errorOf, onSubmit } = useForm(async (field) => {
    const body = {
      title: field('title'),
      description: field('description'),
      date: instant(field('date')) ?? '',
      location: field('location'),
      total_tickets: Number(field('total_tickets')),
      price_cents: cents ?? 0,
      currency,
    };
    const saved = await save(body, event);
    await queryClient.invalidateQueries();
    announce(event ? 'The event is changed' : 'The event is published');
    onDone(saved.id);
  });
  const isSold = event !== undefined && event.tickets_sold > 0;
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <TextField label="Title" name="title" required defaultValue={event?.title} error={errorOf('title')} />
      <TextField
        label="Description"
        name="description"
        hint="Optional"
        defaultValue={event?.description}
        error={errorOf('description')}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label="Begins"
          name="date"
          type="datetime-local"
          required
          defaultValue={localTime(event?.date)}
          error={errorOf('date')}
        />
        <TextField
          label="Location"
          name="location"
          required
          defaultValue={event?.location}
          error={errorOf('location')}
        />
      </div>
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField
          label="Tickets"
          name="total_tickets"
          type="number"
          min={Math.max(1, event?.tickets_sold ?? 1)}
          required
          defaultValue={event?.total_tickets ?? 100}
          hint={isSold ? `${event.tickets_sold} are sold` : undefined}
          error={errorOf('total_tickets')}
        />
        <AmountField
          label="Price of a ticket"
          value={price}
          currency={currency}
          hint="0 is free"
          error={errorOf('price_cents')}
          onChange={setPrice}
        />
        <CurrencyField
          value={currency}
          disabled={isSold}
          hint={isSold ? 'Fixed while tickets are sold' : undefined}
          error={errorOf('currency')}
          onChange={setCurrency}
        />
      </div>
      {error !== null && <ErrorState error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" isBusy={isBusy} disabled={cents === null}>
          {event ? 'Save the changes' : 'Publish the event'}
        </Button>
      </div>
    </form>
  );
}

async function save(
  body: components['schemas']['CreateEventBody'],
  event: TicketEvent | undefined,
): Promise<{ id: string }> {
  if (!event) return dataOf(client.POST('/api/events', { body, params: { header: {} } }));
  // An event that begins soon may keep its time, which need not lie in the future then.
  const { date, ...rest } = body;
  const isMoved = date !== instant(localTime(event.date));
  const changes = isMoved ? body : rest;
  return dataOf(client.PATCH('/api/events/{id}', { params: { path: { id: event.id } }, body: changes }));
}
