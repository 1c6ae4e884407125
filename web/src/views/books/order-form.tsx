import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import { centsOf } from '../../ui/amount';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { SelectField, TextField } from '../../ui/field';
import { SuggestField, instant } from '../../ui/filters';
import { money } from '../../ui/format';
import { useSearchState } from '../../ui/search';
import { ErrorState } from '../../ui/states';
import { announce } from '../../ui/toast';
import { useForm } from '../../api/use-form';

/** A button that opens the form of a new order. */
export function NewOrder() {
  const [isOpen, setOpen] = useState(false);
  return (
    <Dialog
      title="New order"
      description="It begins as a draft, and posts to the journal when it is paid."
      trigger={<Button kind="primary">New order</Button>}
      isOpen={isOpen}
      onOpenChange={setOpen}
    >
      <OrderForm onDone={() => setOpen(false)} />
    </Dialog>
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

/** @returns The customer with this address, and addresses that contain it. */
function useCustomer(email: string) {
  const query = { limit: 20, ...(email !== '' && { email }) };
  const { data } = api.useQuery('get', '/api/customers', { params: { query } }, { staleTime: 10_000 });
  const customers = data?.customers ?? [];
  const customer = customers.find((one) => one.email.toLowerCase() === email.trim().toLowerCase());
  return { customer, suggestions: customers.map((one) => one.email) };
}

function OrderForm({ onDone }: { onDone: () => void }) {
  const [, change] = useSearchState();
  const [email, setEmail] = useState('');
  const [currency, setCurrency] = useState('USD');
  const [items, setItems] = useState(() => [newItem()]);
  const { customer, suggestions } = useCustomer(email);
  const lines = items.map(({ sku, quantity, price }) => ({
    sku,
    quantity: Number(quantity),
    unit_price_cents: centsOf(price, currency),
  }));
  const total = lines.reduce((sum, line) => sum + line.quantity * (line.unit_price_cents ?? 0), 0);
  const isComplete = customer !== undefined && lines.every((line) => line.sku !== '' && line.unit_price_cents !== null);
  const { isBusy, error, errorOf, onSubmit } = useForm(async (field) => {
    const body = {
      customer_id: customer?.id ?? '',
      currency,
      ...(field('external_ref') !== '' && { external_ref: field('external_ref') }),
      placed_at: instant(field('placed_at')),
      items: lines.map(({ sku, quantity, unit_price_cents }) => ({
        sku,
        quantity,
        unit_price_cents: unit_price_cents ?? 0,
      })),
    };
    const order = await dataOf(client.POST('/api/orders', { body, params: { header: {} } }));
    await queryClient.invalidateQueries();
    announce('The order is created');
    onDone();
    change({ id: order.id });
  });
  const isUnknown = email !== '' && suggestions.length === 0;
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <SuggestField
        label="Customer's email"
        required
        value={email}
        suggestions={suggestions}
        error={errorOf('customer_id') ?? (isUnknown ? 'No customer has this address. Add one under Customers.' : null)}
        hint="Type a part of it, and choose"
        onChange={(event) => setEmail(event.target.value)}
      />
      <div className="grid gap-4 sm:grid-cols-[6.5rem_1fr_14.5rem]">
        <SelectField
          label="Currency"
          value={currency}
          options={['USD', 'EUR', 'GBP', 'CHF', 'JPY']}
          error={errorOf('currency')}
          onChange={(event) => setCurrency(event.target.value)}
        />
        <TextField label="Reference" name="external_ref" hint="Optional" error={errorOf('external_ref')} />
        <TextField label="Placed" name="placed_at" type="datetime-local" hint="Now, if empty" />
      </div>
      <ItemFields items={items} onChange={setItems} />
      {error !== null && <ErrorState error={error} />}
      <div className="flex items-center justify-between gap-4">
        <output className="font-semibold">Total {money(Number.isFinite(total) ? total : 0, currency)}</output>
        <Button type="submit" kind="primary" isBusy={isBusy} disabled={!isComplete}>
          Create the draft
        </Button>
      </div>
    </form>
  );
}

function ItemFields({ items, onChange }: { items: Item[]; onChange: (items: Item[]) => void }) {
  const edit = (key: number, values: Partial<Item>): void =>
    onChange(items.map((item) => (item.key === key ? { ...item, ...values } : item)));
  return (
    <fieldset className="space-y-3">
      <legend className="mb-1 text-sm font-semibold">Items</legend>
      {items.map(({ key, sku, quantity, price }, index) => (
        <div key={key} className="grid grid-cols-[1fr_5rem_7rem_auto] items-end gap-2 max-sm:grid-cols-2">
          <TextField
            label={`SKU ${index + 1}`}
            required
            value={sku}
            onChange={(event) => edit(key, { sku: event.target.value })}
          />
          <TextField
            label="Quantity"
            type="number"
            min={1}
            required
            value={quantity}
            onChange={(event) => edit(key, { quantity: event.target.value })}
          />
          <TextField
            label="Price"
            inputMode="decimal"
            placeholder="12.50"
            required
            value={price}
            onChange={(event) => edit(key, { price: event.target.value })}
          />
          <Button
            kind="quiet"
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
