import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import { isProblem } from '../../api/errors';
import type { components } from '../../api/schema.generated';
import { useForm } from '../../api/use-form';
import { centsOf, decimalOf } from '../../ui/amount';
import { Button } from '../../ui/button';
import { FormDialog } from '../../ui/dialog';
import { TextField } from '../../ui/field';
import { SuggestField, instant, localTime } from '../../ui/filters';
import { money } from '../../ui/format';
import { AmountField, CurrencyField } from '../../ui/money-fields';
import { useSearchState } from '../../ui/search';
import { ErrorState } from '../../ui/states';
import { announce } from '../../ui/toast';

type Order = components['schemas']['Order'];

/** A button that opens the form of a new order. */
export function NewOrder() {
  const [, change] = useSearchState();
  return (
    <FormDialog label="New order" description="It begins as a draft, and posts to the journal when it is paid.">
      {(close) => (
        <OrderForm
          onDone={(id) => {
            close();
            change({ id });
          }}
        />
      )}
    </FormDialog>
  );
}

interface Item {
  key: number;
  sku: string;
  quantity: string;
  price: string;
}

let lastKey = 0;
const newItem = (): Item => ({ key: ++lastKey, sku: '', quantity: '1', price: '' });
const itemsOf = ({ items, currency }: Order): Item[] =>
  items.map(({ sku, quantity, unit_price_cents }) => ({
    key: ++lastKey,
    sku,
    quantity: String(quantity),
    price: decimalOf(unit_price_cents, currency),
  }));

/** @returns The customer with this address, and addresses that contain it. */
function useCustomer(email: string) {
  const query = { limit: 20, ...(email !== '' && { email }) };
  const { data } = api.useQuery('get', '/api/customers', { params: { query } }, { staleTime: 10_000 });
  const customers = data?.customers ?? [];
  const customer = customers.find((one) => one.email.toLowerCase() === email.trim().toLowerCase());
  return { customer, suggestions: customers.map((one) => one.email) };
}

/**
 * @param order The draft to change; a new one without it.
 * @param onReload Reads the draft again, after another caller has changed it.
 */
export function OrderForm({
  order,
  onDone,
  onReload,
}: {
  order?: Order;
  onDone: (id: string) => void;
  onReload?: () => void;
}) {
  const [email, setEmail] = useState(order?.customer_email ?? '');
  const [currency, setCurrency] = useState(order?.currency ?? 'USD');
  const [items, setItems] = useState(() => (order ? itemsOf(order) : [newItem()]));
  const { customer, suggestions } = useCustomer(email);
  const lines = items.map(({ sku, quantity, price }) => ({
    sku,
    quantity: Number(quantity),
    unit_price_cents: centsOf(price, currency),
  }));
  const total = lines.reduce((sum, line) => sum + line.quantity * (line.unit_price_cents ?? 0), 0);
  const customerId = order?.customer_id ?? customer?.id;
  const isComplete =
    customerId !== undefined && lines.every((line) => line.sku !== '' && line.unit_price_cents !== null);
  const { isBusy, error, errorOf, onSubmit } = useForm(async (field) => {
    const saved = await save(order, customerId ?? '', {
      currency,
      external_ref: field('external_ref'),
      placed_at: field('placed_at'),
      items: lines.map(({ sku, quantity, unit_price_cents: cents }) => ({
        sku,
        quantity,
        unit_price_cents: cents ?? 0,
      })),
    });
    await queryClient.invalidateQueries();
    announce(order ? 'The order is changed' : 'The order is created');
    onDone(saved.id);
  });
  const isUnknown = email !== '' && suggestions.length === 0;
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      {order === undefined && (
        <SuggestField
          label="Customer's email"
          required
          value={email}
          suggestions={suggestions}
          error={
            errorOf('customer_id') ?? (isUnknown ? 'No customer has this address. Add one under Customers.' : null)
          }
          hint="Type a part of it, and choose"
          onChange={(event) => setEmail(event.target.value)}
        />
      )}
      <div className="grid gap-4 sm:grid-cols-[6.5rem_1fr_14.5rem]">
        <CurrencyField value={currency} error={errorOf('currency')} onChange={setCurrency} />
        <TextField
          label="Reference"
          name="external_ref"
          hint="Optional"
          defaultValue={order?.external_ref ?? ''}
          error={errorOf('external_ref')}
        />
        <TextField
          label="Placed"
          name="placed_at"
          type="datetime-local"
          required={order !== undefined}
          defaultValue={localTime(order?.placed_at)}
          hint={order ? undefined : 'Now, if empty'}
          error={errorOf('placed_at')}
        />
      </div>
      <ItemFields items={items} currency={currency} errorOf={errorOf} onChange={setItems} />
      {isProblem(error) && error.status === 412 ? (
        <Conflict onReload={onReload} />
      ) : (
        error !== null && <ErrorState error={error} />
      )}
      <div className="flex items-center justify-between gap-4">
        <output className="font-semibold">Total {money(Number.isFinite(total) ? total : 0, currency)}</output>
        <Button type="submit" kind="primary" isBusy={isBusy} disabled={!isComplete}>
          {order ? 'Save the changes' : 'Create the draft'}
        </Button>
      </div>
    </form>
  );
}

interface Fields {
  currency: string;
  external_ref: string;
  /** The text of its field. */
  placed_at: string;
  items: components['schemas']['OrderItemBody'][];
}

async function save(order: Order | undefined, customerId: string, fields: Fields): Promise<{ id: string }> {
  const { currency, external_ref: ref, items } = fields;
  const placed_at = instant(fields.placed_at);
  if (!order) {
    const body = { customer_id: customerId, currency, ...(ref !== '' && { external_ref: ref }), placed_at, items };
    return dataOf(client.POST('/api/orders', { body, params: { header: {} } }));
  }
  // The field has whole minutes, to which an unchanged time must not be cut.
  const isMoved = fields.placed_at !== localTime(order.placed_at);
  const body = { currency, external_ref: ref === '' ? null : ref, ...(isMoved && { placed_at }), items };
  const params = { path: { id: order.id }, header: { 'If-Match': `"${order.version}"` } };
  await dataOf<unknown>(client.PATCH('/api/orders/{id}', { params, body }));
  return order;
}

/** Said instead of the API's 412: what happened, and how to go on. */
function Conflict({ onReload }: { onReload?: () => void }) {
  return (
    <div role="alert" className="rounded-control border border-warn bg-warn-soft px-4 py-3">
      <p className="font-medium">Someone else has changed this order since you opened it.</p>
      <p>Your changes are not saved. Load the order as it is now, and make them again.</p>
      <Button isSmall className="mt-2" onClick={onReload}>
        Load it again
      </Button>
    </div>
  );
}

function ItemFields({
  items,
  currency,
  errorOf,
  onChange,
}: {
  items: Item[];
  currency: string;
  errorOf: (path: string) => string | null;
  onChange: (items: Item[]) => void;
}) {
  const edit = (key: number, values: Partial<Item>): void =>
    onChange(items.map((item) => (item.key === key ? { ...item, ...values } : item)));
  return (
    <fieldset className="space-y-3">
      <legend className="mb-1 text-sm font-semibold">Items</legend>
      {items.map(({ key, sku, quantity, price }, index) => (
        <div key={key} className="grid grid-cols-[1fr_5rem_7rem_auto] items-start gap-2 max-sm:grid-cols-2">
          <TextField
            label={`SKU ${index + 1}`}
            required
            value={sku}
            error={errorOf(`items.${index}.sku`)}
            onChange={(event) => edit(key, { sku: event.target.value })}
          />
          <TextField
            label="Quantity"
            type="number"
            min={1}
            required
            value={quantity}
            error={errorOf(`items.${index}.quantity`)}
            onChange={(event) => edit(key, { quantity: event.target.value })}
          />
          <AmountField
            label="Price"
            value={price}
            currency={currency}
            error={errorOf(`items.${index}.unit_price_cents`)}
            onChange={(typed) => edit(key, { price: typed })}
          />
          <Button
            kind="quiet"
            className="mt-6"
            aria-label={`Remove item ${index + 1}`}
            disabled={items.length === 1}
            onClick={() => onChange(items.filter((item) => item.key !== key))}
          >
            Remove
          </Button>
        </div>
      ))}
      <Button isSmall onClick={() => onChange([...items, newItem()])}>
        Add an item
      </Button>
    </fieldset>
  );
}
