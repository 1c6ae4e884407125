import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { CopyButton } from '../../ui/code';
import { Time } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { FreshSecret, RotateButton } from '../../ui/secrets';
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
  async function rotate(overlap: string): Promise<void> {
    const body = { expire_old_after: overlap };
    const { secrets } = await dataOf(client.POST('/api/callback-secrets/rotate', { body }));
    setFresh(secrets[0]?.secret ?? null);
    await queryClient.invalidateQueries();
  }
  return (
    <Panel
      title="Secrets"
      hint="Receivers check the v1 signature (HMAC-SHA256) with them. While two are valid, callbacks carry a signature of each."
      actions={
        <RotateButton
          title="Rotate the secret?"
          description="A new secret is made and signs from now on. The old ones also sign for the time below, so that receivers can change without losing a callback."
          label="The old secrets stay valid"
          onRotate={rotate}
        />
      }
      isFlush
    >
      {fresh !== null && (
        <FreshSecret secret={fresh} copyLabel="Copy the secret" onDismiss={() => setFresh(null)}>
          The new secret signs from now on. Give it to your receivers.
        </FreshSecret>
      )}
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={2} />}
      {data && (
        <Table caption="Secrets, newest first" columns={SECRET_COLUMNS} rows={data.secrets} keyOf={({ id }) => id} />
      )}
    </Panel>
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
