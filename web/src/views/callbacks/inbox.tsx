import { useQuery } from '@tanstack/react-query';
import { api, client, dataOf, queryClient } from '../../api/client';
import { Button } from '../../ui/button';
import { Json } from '../../ui/code';
import { ConfirmButton, Dialog } from '../../ui/dialog';
import { Time, number } from '../../ui/format';
import { Badge, Panel, type Tone } from '../../ui/panel';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { RequestLink } from './deliveries';
import { type Keys, type Received, type Verdict, verdictOf } from './signature';

const SHOWN = 50;

/** The callbacks that the demo receiver got, with the verdict on their signatures. */
export function Inbox() {
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/callbacks/history',
    { params: { query: { limit: SHOWN } } },
    { refetchInterval: 2_000 },
  );
  const keys = useKeys();
  const received = data?.callbacks.toReversed() ?? [];
  return (
    <Panel
      title="Inbox of the demo receiver"
      hint="Callbacks that arrived, newest first. This page checks each signature itself, as a receiver does."
      isFlush
      actions={data && data.total > 0 && <Clear total={data.total} />}
    >
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={3} />}
      {data && received.length === 0 && <Empty title="Nothing has arrived">Send a callback above.</Empty>}
      {received.length > 0 && (
        <Table
          caption="Callbacks that the demo receiver got"
          columns={columns(keys)}
          rows={received}
          keyOf={({ headers, received_at }) => `${headers['webhook-id']} ${headers['x-attempt-number']} ${received_at}`}
        />
      )}
    </Panel>
  );
}

/** The keys of the account; null until they are read. */
function useKeys(): Keys | null {
  const { data: secrets } = api.useQuery('get', '/api/callback-secrets', {}, { refetchInterval: 30_000 });
  const { data: keys } = api.useQuery('get', '/api/callback-secrets/public-key', {}, { refetchInterval: 30_000 });
  if (!secrets || !keys) return null;
  return {
    secrets: secrets.secrets.map(({ secret }) => secret),
    publicKeys: keys.public_keys.map(({ public_key }) => public_key),
  };
}

function Clear({ total }: { total: number }) {
  return (
    <ConfirmButton
      isSmall
      title="Empty the inbox?"
      description={`${number(total)} received ${total === 1 ? 'callback is' : 'callbacks are'} forgotten. Nothing is sent again.`}
      confirm="Empty it"
      onConfirm={async () => {
        await dataOf(client.DELETE('/api/callbacks/history'));
        await queryClient.invalidateQueries();
      }}
    >
      Empty
    </ConfirmButton>
  );
}

function columns(keys: Keys | null): Column<Received>[] {
  return [
    { head: 'Received', cell: ({ received_at }) => <Time at={received_at} /> },
    { head: 'Type', cell: ({ body }) => text(body['type']) },
    {
      head: 'Request',
      cell: ({ body }) =>
        typeof body['request_id'] === 'string' ? <RequestLink id={body['request_id']} /> : <span>–</span>,
    },
    { head: 'Attempt', cell: ({ headers }) => headers['x-attempt-number'] ?? '–', isNumber: true },
    { head: 'Signature', cell: (received) => <Signature received={received} keys={keys} /> },
    { head: <span className="sr-only">Content</span>, cell: (received) => <Content received={received} /> },
  ];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '–');

const VERDICTS: Record<Verdict, { tone: Tone; text: string }> = {
  valid: { tone: 'good', text: 'valid' },
  invalid: { tone: 'bad', text: 'does not match' },
  missing: { tone: 'bad', text: 'not signed' },
  unknown: { tone: 'muted', text: 'needs HTTPS to check' },
};

function Signature({ received, keys }: { received: Received; keys: Keys | null }) {
  const { data } = useQuery({
    queryKey: ['verdict', received, keys],
    queryFn: () => verdictOf(received, keys!),
    enabled: keys !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return <Badge>checking</Badge>;
  return <Badge tone={VERDICTS[data].tone}>{VERDICTS[data].text}</Badge>;
}

function Content({ received: { headers, body } }: { received: Received }) {
  return (
    <Dialog title="Received callback" trigger={<Button isSmall>Show</Button>}>
      <div className="space-y-3">
        <Json label="Headers" value={headers} />
        <Json label="Body" value={body} />
      </div>
    </Dialog>
  );
}
