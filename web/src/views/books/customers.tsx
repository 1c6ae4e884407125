import { keepPreviousData } from '@tanstack/react-query';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { Button } from '../../ui/button';
import { ConfirmButton, Dialog, FormDialog } from '../../ui/dialog';
import { CheckField, TextField } from '../../ui/field';
import { Filters, TextFilter, usePager } from '../../ui/filters';
import { Time } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { announce } from '../../ui/toast';
import { RowLink } from '../../ui/row-link';
import { PartLink } from './part-link';
import { SeedOffer } from './seed';
import { useForm } from '../../api/use-form';

type Customer = components['schemas']['Customer'];

const COLUMNS: Column<Customer>[] = [
  { head: 'Name', cell: ({ id, name }) => <RowLink id={id}>{name}</RowLink> },
  { head: 'Email', cell: ({ email }) => email },
  { head: 'State', cell: ({ is_active }) => <ActiveBadge isActive={is_active} /> },
  { head: 'Since', cell: ({ created_at }) => <Time at={created_at} show="day" />, isExtra: true },
];

function ActiveBadge({ isActive }: { isActive: boolean }) {
  return <Badge tone={isActive ? 'good' : 'muted'}>{isActive ? 'active' : 'inactive'}</Badge>;
}

/** The customers, newest first. */
export default function Customers() {
  const [search, change] = useSearchState();
  const mayWrite = useMay('books:write');
  const query = { email: search['email'], cursor: search['cursor'] };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/customers',
    { params: { query } },
    { placeholderData: keepPreviousData },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel title="Customers" hint="Newest first" isFlush actions={mayWrite && <NewCustomer />}>
      <Filters label="Filter customers" names={['email']}>
        <TextFilter label="Email" name="email" placeholder="Part of the address" />
      </Filters>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={12} />}
      {!error && data && data.customers.length > 0 && (
        <Table caption="Customers" columns={COLUMNS} rows={data.customers} keyOf={({ id }) => id} />
      )}
      {!error &&
        data?.customers.length === 0 &&
        (query.email === undefined ? (
          <SeedOffer />
        ) : (
          <Empty title="No customer matches">Change the filter, or clear it to see all customers.</Empty>
        ))}
      <Pager {...pager} />
      {search['id'] !== undefined && <CustomerDialog id={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}

function NewCustomer() {
  return <FormDialog label="New customer">{(close) => <CustomerForm onDone={close} />}</FormDialog>;
}

function CustomerDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = api.useQuery('get', '/api/customers/{id}', { params: { path: { id } } });
  const mayWrite = useMay('books:write');
  return (
    <Dialog title={data?.name ?? 'Customer'} isOpen onOpenChange={onClose}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={4} />}
      {data && !error && (
        <div className="space-y-4">
          <p className="flex flex-wrap items-center justify-between gap-2">
            <PartLink search={{ tab: 'orders', customer_id: id, include_archived: 'true' }}>
              Orders of this customer
            </PartLink>
            <span className="text-sm text-muted">
              Changed <Time at={data.updated_at} />
            </span>
          </p>
          {mayWrite ? (
            <CustomerForm key={data.updated_at} customer={data} onDone={onClose} />
          ) : (
            <p>
              {data.email} <ActiveBadge isActive={data.is_active} />
            </p>
          )}
        </div>
      )}
    </Dialog>
  );
}

/** @param customer The one to change; a new one without it. */
function CustomerForm({ customer, onDone }: { customer?: Customer; onDone: () => void }) {
  const { isBusy, error, errorOf, onSubmit } = useForm(async (field) => {
    const body = { name: field('name'), email: field('email'), is_active: field('is_active') === 'on' };
    await dataOf<unknown>(
      customer
        ? client.PATCH('/api/customers/{id}', { params: { path: { id: customer.id } }, body })
        : client.POST('/api/customers', { body }),
    );
    await queryClient.invalidateQueries();
    announce(customer ? 'The customer is changed' : 'The customer is added');
    onDone();
  });
  const fieldErrors = [errorOf('name'), errorOf('email')];
  return (
    <form onSubmit={onSubmit} className="space-y-4">
      <TextField label="Name" name="name" required defaultValue={customer?.name} error={fieldErrors[0]} />
      <TextField
        label="Email"
        name="email"
        type="email"
        required
        defaultValue={customer?.email}
        error={fieldErrors[1]}
      />
      <CheckField
        label="Active"
        name="is_active"
        hint="The summary shows active customers only."
        defaultChecked={customer?.is_active ?? true}
      />
      {error !== null && fieldErrors.every((text) => text === null) && <ErrorState error={error} />}
      <div className="flex justify-between gap-2">
        {customer ? <DeleteCustomer customer={customer} onDone={onDone} /> : <span />}
        <Button type="submit" kind="primary" isBusy={isBusy}>
          {customer ? 'Save' : 'Add the customer'}
        </Button>
      </div>
    </form>
  );
}

function DeleteCustomer({ customer: { id, name }, onDone }: { customer: Customer; onDone: () => void }) {
  async function remove(): Promise<void> {
    await dataOf(client.DELETE('/api/customers/{id}', { params: { path: { id } } }));
    onDone();
    await queryClient.invalidateQueries({ predicate: ({ queryKey }) => !JSON.stringify(queryKey).includes(id) });
  }
  return (
    <ConfirmButton
      title={`Delete ${name}`}
      description="Deletes 1 customer. It is refused while an order or an entry of the journal names the customer."
      confirm="Delete the customer"
      onConfirm={remove}
    >
      Delete
    </ConfirmButton>
  );
}
