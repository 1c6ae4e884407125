import { keepPreviousData } from '@tanstack/react-query';
import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { ConfirmButton } from '../../ui/dialog';
import { Filters, TextFilter, usePager } from '../../ui/filters';
import { Time } from '../../ui/format';
import { Badge, Panel, StatusBadge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { FreshSecret, RotateButton } from '../../ui/secrets';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { CreateKey } from './create-key';

type Key = components['schemas']['ApiKey'];
type NewKey = components['schemas']['NewApiKey'];

/** The API keys of all accounts. A key's text is shown once, when it is made. */
export function Keys() {
  const [{ account, cursor }] = useSearchState();
  const [fresh, setFresh] = useState<NewKey | null>(null);
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/keys',
    { params: { query: { ...(account && { account }), ...(cursor && { cursor }), limit: 50 } } },
    { placeholderData: keepPreviousData },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel
      title="API keys"
      hint="A key belongs to an account and may do what its scopes allow."
      actions={<CreateKey onCreated={setFresh} />}
      isFlush
    >
      {fresh !== null && (
        <FreshSecret secret={fresh.key} copyLabel="Copy the key" onDismiss={() => setFresh(null)}>
          The key “{fresh.name}” of {fresh.account} is made. It is shown only now: keep it in a safe place.
        </FreshSecret>
      )}
      <Filters label="Filter keys" names={['account']}>
        <TextFilter label="Account" name="account" />
      </Filters>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={5} />}
      {data?.keys.length === 0 && <Empty title="No keys">This account has no keys. Create one above.</Empty>}
      {data && data.keys.length > 0 && (
        <Table
          caption="API keys, newest first"
          columns={columns(setFresh, (id) => setFresh((shown) => (shown?.id === id ? null : shown)))}
          rows={data.keys}
          keyOf={({ id }) => id}
          isSelected={({ id }) => id === fresh?.id}
        />
      )}
      <Pager {...pager} />
    </Panel>
  );
}

function columns(onRotated: (key: NewKey) => void, onRevoked: (id: string) => void): Column<Key>[] {
  return [
    {
      head: 'Name',
      cell: ({ name, account }) => (
        <>
          <span className="font-medium">{name}</span>
          <span className="block text-xs text-muted">{account}</span>
        </>
      ),
    },
    { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
    { head: 'Scopes', cell: ({ scopes }) => <Scopes scopes={scopes} /> },
    { head: 'Last used', cell: ({ last_used_at }) => <Time at={last_used_at} /> },
    { head: 'Expires', cell: ({ expires_at }) => (expires_at === null ? 'never' : <Time at={expires_at} />) },
    { head: 'Created', cell: ({ created_at }) => <Time at={created_at} show="day" />, isExtra: true },
    {
      head: <span className="sr-only">Act</span>,
      cell: (key) =>
        key.status === 'active' && (
          <span className="flex gap-1.5">
            {key.replaced_by === null && <Rotate apiKey={key} onRotated={onRotated} />}
            <Revoke apiKey={key} onRevoked={onRevoked} />
          </span>
        ),
    },
  ];
}

function Scopes({ scopes }: Pick<Key, 'scopes'>) {
  return (
    <span className="flex min-w-40 flex-wrap gap-1">
      {scopes.map((scope) => (
        <Badge key={scope}>{scope}</Badge>
      ))}
    </span>
  );
}

function Rotate({ apiKey: { id, name }, onRotated }: { apiKey: Key; onRotated: (key: NewKey) => void }) {
  async function rotate(overlap: string): Promise<void> {
    onRotated(await dataOf(client.POST('/api/keys/{id}/rotate', { params: { path: { id } }, body: { overlap } })));
    await queryClient.invalidateQueries({ queryKey: ['get', '/api/keys'] });
  }
  return (
    <RotateButton
      title={`Rotate the key “${name}”?`}
      description="A new key with the same account and scopes is made and shown once."
      label="The old key stays valid"
      onRotate={rotate}
    />
  );
}

function Revoke({ apiKey: { id, name, last_used_at }, onRevoked }: { apiKey: Key; onRevoked: (id: string) => void }) {
  return (
    <ConfirmButton
      isSmall
      title={`Revoke the key “${name}”?`}
      description={
        <>
          All processes reject it within 5 seconds, for good. Last used:{' '}
          {last_used_at === null ? 'never' : <Time at={last_used_at} />}.
        </>
      }
      confirm="Revoke the key"
      onConfirm={async () => {
        await dataOf(client.POST('/api/keys/{id}/revoke', { params: { path: { id } } }));
        onRevoked(id);
        await queryClient.invalidateQueries({ queryKey: ['get', '/api/keys'] });
      }}
    >
      Revoke
    </ConfirmButton>
  );
}
