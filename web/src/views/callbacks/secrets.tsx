import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { CopyButton } from '../../ui/code';
import { ConfirmButton } from '../../ui/dialog';
import { SelectField } from '../../ui/field';
import { Time } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';

type Secret = components['schemas']['CallbackSecret'];
type PublicKey = components['schemas']['CallbackPublicKey'];

/** The keys that receivers check signatures with, and their rotation. */
export function Secrets() {
  return (
    <>
      {useMay('reports:write') && <Shared />}
      <PublicKeys />
    </>
  );
}

function Shared() {
  const { data, error, refetch } = api.useQuery('get', '/api/callback-secrets', {});
  const [fresh, setFresh] = useState<string | null>(null);
  return (
    <Panel
      title="Secrets"
      hint="Receivers check the v1 signature (HMAC-SHA256) with them. While two are valid, callbacks carry a signature of each."
      actions={<Rotate onRotated={setFresh} />}
      isFlush
    >
      {fresh !== null && (
        <div role="status" className="mx-4 mb-4 rounded-control border border-good bg-good-soft px-4 py-3 sm:mx-5">
          <p className="font-medium text-good">The new secret signs from now on. Give it to your receivers.</p>
          <p className="mt-1 flex flex-wrap items-center gap-2">
            <code className="font-mono text-sm break-all">{fresh}</code>
            <CopyButton text={fresh} label="Copy the secret" />
          </p>
        </div>
      )}
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={2} />}
      {data && (
        <Table caption="Secrets, newest first" columns={SECRET_COLUMNS} rows={data.secrets} keyOf={({ id }) => id} />
      )}
    </Panel>
  );
}

const OVERLAPS = [
  ['24h', 'for 24 hours'],
  ['1h', 'for an hour'],
  ['7d', 'for 7 days'],
  ['0s', 'not at all: they end now'],
] as const;

function Rotate({ onRotated }: { onRotated: (secret: string) => void }) {
  const [overlap, setOverlap] = useState<string>('24h');
  return (
    <ConfirmButton
      isSmall
      kind="secondary"
      title="Rotate the secret?"
      description="A new secret is made and signs from now on. The old ones also sign for the time below, so that receivers can change without losing a callback."
      fields={
        <SelectField
          className="mt-3"
          label="The old secrets stay valid"
          options={OVERLAPS}
          value={overlap}
          onChange={({ target }) => setOverlap(target.value)}
        />
      }
      confirm="Rotate"
      onConfirm={async () => {
        const { secrets } = await dataOf(
          client.POST('/api/callback-secrets/rotate', { body: { expire_old_after: overlap } }),
        );
        if (secrets[0]) onRotated(secrets[0].secret);
        await queryClient.invalidateQueries();
      }}
    >
      Rotate
    </ConfirmButton>
  );
}

const validity = ({ expires_at }: { expires_at: string | null }) =>
  expires_at === null ? (
    <Badge tone="good">current</Badge>
  ) : (
    <span>
      until <Time at={expires_at} />
    </span>
  );

const SECRET_COLUMNS: Column<Secret>[] = [
  { head: 'Secret', cell: ({ secret }) => <code className="font-mono text-sm">{masked(secret)}</code> },
  { head: 'Valid', cell: validity },
  { head: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
  { head: <span className="sr-only">Copy</span>, cell: ({ secret }) => <CopyButton text={secret} label="Copy" /> },
];

/** The end of a secret, enough to tell two apart. */
function masked(secret: string): string {
  return `whsec_…${secret.slice(-5)}`;
}

function PublicKeys() {
  const { data, error, refetch } = api.useQuery('get', '/api/callback-secrets/public-key', {});
  return (
    <Panel
      title="Public keys"
      hint="Receivers check the v1a signature (Ed25519) with them. They are no secret."
      isFlush
      actions={data && <Badge tone={data.in_use ? 'good' : 'muted'}>{data.in_use ? 'in use' : 'not in use'}</Badge>}
    >
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={2} />}
      {data && (
        <>
          <Table
            caption="Public keys, newest first"
            columns={KEY_COLUMNS}
            rows={data.public_keys}
            keyOf={({ id }) => id}
          />
          {!data.in_use && (
            <p className="border-t px-4 py-3 text-sm text-muted sm:px-5">
              Callbacks carry a v1a signature when the setting CALLBACK_SIGNATURE is v1a or both.
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

const KEY_COLUMNS: Column<PublicKey>[] = [
  { head: 'Public key', cell: ({ public_key }) => <code className="font-mono text-sm break-all">{public_key}</code> },
  { head: 'Valid', cell: validity },
  { head: 'Created', cell: ({ created_at }) => <Time at={created_at} />, isExtra: true },
  {
    head: <span className="sr-only">Copy</span>,
    cell: ({ public_key }) => <CopyButton text={public_key} label="Copy" />,
  },
];
