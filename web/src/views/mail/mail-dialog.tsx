import { useState } from 'react';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Facts } from '../../ui/facts';
import { Time, duration } from '../../ui/format';
import { Badge, StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { announce } from '../../ui/toast';
import { useMailServer } from './use-mail-server';

type MailDetail = components['schemas']['MailDetail'];
type Attempt = components['schemas']['MailAttempt'];

/** The state of a message: `pending` waits, and `kept` is not sent, since no server is set. */
export function MailStatus({ status }: { status: MailDetail['status'] }) {
  return <StatusBadge status={status} text={status === 'pending' ? 'waiting' : status} />;
}

/** One message with its text and its attempts. */
export function MailDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/mail/{id}',
    { params: { path: { id } } },
    { refetchInterval: ({ state }) => (state.data?.status === 'pending' ? 2_000 : false) },
  );
  return (
    <Dialog title={data?.subject ?? 'Message'} isOpen onOpenChange={onClose}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={6} />}
      {data && !error && (
        <div className="space-y-4">
          <Details mail={data} />
          <pre
            tabIndex={0}
            role="region"
            aria-label="Text of the message"
            className="max-h-72 overflow-auto rounded-control bg-sunken p-3 font-mono text-sm whitespace-pre-wrap"
          >
            {data.text}
          </pre>
          <Attempts log={data.attempt_log} />
        </div>
      )}
      <div className="mt-5 flex flex-wrap items-center justify-end gap-2">
        {data && data.status !== 'sent' && <Send id={id} />}
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

function Details({ mail }: { mail: MailDetail }) {
  return (
    <Facts
      facts={[
        ['To', mail.to],
        ['Status', <MailStatus key="status" status={mail.status} />],
        ['Error', mail.status === 'sent' ? null : mail.error],
        ['Written', <Time key="written" at={mail.created_at} />],
        ['Next attempt', mail.next_attempt_at && <Time key="next" at={mail.next_attempt_at} />],
        ['Message-ID', <code key="id">{mail.message_id}</code>],
      ]}
    />
  );
}

const OUTCOMES = {
  sent: <Badge tone="good">sent</Badge>,
  retried: <Badge tone="warn">tried again later</Badge>,
  failed: <Badge tone="bad">failed</Badge>,
};

const COLUMNS: Column<Attempt>[] = [
  { head: 'No.', cell: ({ number }) => number, isNumber: true },
  { head: 'Outcome', cell: ({ outcome }) => OUTCOMES[outcome] },
  {
    head: 'Reply',
    cell: ({ smtp_code, detail }) => [smtp_code, detail].filter((part) => part !== null).join(' ') || '–',
  },
  { head: 'Took', cell: ({ duration_ms }) => duration(duration_ms), isNumber: true },
  { head: 'At', cell: ({ attempted_at }) => <Time at={attempted_at} show="time" /> },
];

function Attempts({ log }: { log: Attempt[] }) {
  if (log.length === 0) return <p className="text-muted">No attempt yet.</p>;
  return (
    <div className="overflow-hidden rounded-control border">
      <Table caption="Attempts" columns={COLUMNS} rows={log} keyOf={({ number }) => String(number)} />
    </div>
  );
}

/** Retry where a server is set; without one, a retry would keep the message as it is. */
function Send({ id }: { id: string }) {
  const server = useMailServer();
  if (!server) return null;
  if (server.driver !== 'none') return <Retry id={id} />;
  return (
    <p className="mr-auto text-sm text-muted">
      It can be sent once <code className="font-mono">SMTP_URL</code> is set.
    </p>
  );
}

function Retry({ id }: { id: string }) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  async function retry(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await dataOf<unknown>(client.POST('/api/mail/{id}/retry', { params: { path: { id } } }));
      announce('The message is due now');
      await queryClient.invalidateQueries();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <>
      {error !== null && <ErrorState error={error} />}
      <Button kind="primary" isBusy={isBusy} onClick={() => void retry()}>
        Retry
      </Button>
    </>
  );
}
