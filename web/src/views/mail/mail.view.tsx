import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { Filters, SelectFilter, TextFilter, usePager } from '../../ui/filters';
import { Time, number } from '../../ui/format';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { RowLink } from '../../ui/row-link';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { MailDialog, MailStatus } from './mail-dialog';
import { useMailServer } from './use-mail-server';

type Mail = components['schemas']['Mail'];

const STATUSES = [
  ['pending', 'Waiting'],
  ['sent', 'Sent'],
  ['failed', 'Failed'],
  ['kept', 'Kept'],
] as const;

const COLUMNS: Column<Mail>[] = [
  { head: 'Subject', cell: ({ id, subject }) => <RowLink id={id}>{subject}</RowLink> },
  { head: 'To', cell: ({ to }) => to },
  { head: 'Status', cell: ({ status }) => <MailStatus status={status} /> },
  { head: 'Attempts', cell: ({ attempts }) => number(attempts), isNumber: true, isExtra: true },
  { head: 'Written', cell: ({ created_at }) => <Time at={created_at} /> },
  { head: 'Next attempt', cell: ({ next_attempt_at }) => <Time at={next_attempt_at} show="time" />, isExtra: true },
];

/** The messages that the service sends, for operators. */
export function MailView() {
  return (
    <Page title="Mail" intro="Messages about bookings, events and passwords, until they are sent.">
      <ServerNotice />
      <Outbox />
    </Page>
  );
}

/** Says so when messages are not sent: without a server they are kept, and a server can be down. */
function ServerNotice() {
  const server = useMailServer();
  if (!server) return null;
  const { driver, status, cause } = server;
  if (driver === 'none')
    return (
      <p role="status" className="rounded-panel border border-warn bg-warn-soft px-4 py-3 sm:px-5">
        <strong className="font-semibold">No mail server is set.</strong> Messages are kept here and not sent. Set{' '}
        <code className="font-mono text-sm">SMTP_URL</code> and restart; a kept message can then be sent with Retry.
      </p>
    );
  if (status === 'up') return null;
  return (
    <p role="status" className="rounded-panel border border-bad bg-bad-soft px-4 py-3 sm:px-5">
      <strong className="font-semibold">The mail server does not answer</strong> ({cause}). Messages wait, and are tried
      again.
    </p>
  );
}

function Outbox() {
  const [search, change] = useSearchState();
  const query = {
    status: search['status'] as Mail['status'] | undefined,
    to: search['to'],
    cursor: search['cursor'],
  };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/mail',
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 5_000 },
  );
  const pager = usePager(data?.next_cursor);
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  return (
    <Panel title="Outbox" hint="Newest first" isFlush>
      <Filters label="Filter messages" names={['status', 'to']}>
        <SelectFilter label="Status" name="status" options={STATUSES} />
        <TextFilter label="Recipient" name="to" placeholder="Whole address" className="w-full sm:w-72" />
      </Filters>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={8} />}
      {!error && data && data.messages.length > 0 && (
        <Table caption="Messages" columns={COLUMNS} rows={data.messages} keyOf={({ id }) => id} />
      )}
      {!error && data?.messages.length === 0 && (
        <Empty title={isFiltered ? 'No message matches' : 'No messages yet'}>
          {isFiltered ? 'Change the filters, or clear them.' : 'A booking of tickets writes the first one.'}
        </Empty>
      )}
      <Pager {...pager} />
      {search['id'] !== undefined && <MailDialog id={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}
