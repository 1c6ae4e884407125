import { keepPreviousData } from '@tanstack/react-query';
import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { ConfirmButton } from '../../ui/dialog';
import { usePager } from '../../ui/filters';
import { Time } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { announce } from '../../ui/toast';
import { PartLink } from './part-link';

type Period = components['schemas']['Period'];

/** A month in words, such as March 2026. Months of the books are in UTC. */
function monthOf(period: string): string {
  const format = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' });
  return format.format(new Date(`${period}-01T00:00:00Z`));
}

/** The filters of the journal that show a month. */
function entriesOf(period: string): Record<string, string> {
  const from = new Date(`${period}-01T00:00:00Z`);
  const to = new Date(from);
  to.setUTCMonth(to.getUTCMonth() + 1);
  return { tab: 'journal', from: from.toISOString(), to: to.toISOString() };
}

const COLUMNS: Column<Period>[] = [
  { head: 'Month', cell: ({ period }) => <PartLink search={entriesOf(period)}>{monthOf(period)}</PartLink> },
  {
    head: 'State',
    cell: ({ status }) => <Badge tone={status === 'open' ? 'good' : 'muted'}>{status}</Badge>,
  },
  { head: 'Closed', cell: ({ closed_at }) => <Time at={closed_at} />, isExtra: true },
  { head: <span className="sr-only">Actions</span>, cell: (period) => <Actions {...period} />, isNumber: true },
];

/** The months of the books. A closed one takes no entries. */
export default function Periods() {
  const [{ cursor }] = useSearchState();
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/periods',
    { params: { query: { cursor } } },
    { placeholderData: keepPreviousData },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel
      title="Periods"
      hint="Months in UTC. Close a month when its books are done: it takes no more entries."
      isFlush
    >
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={12} />}
      {!error && data && (
        <Table caption="Periods" columns={COLUMNS} rows={data.periods} keyOf={({ period }) => period} />
      )}
      <Pager {...pager} />
    </Panel>
  );
}

function Actions({ period, status }: Period) {
  const mayClose = useMay('books:write');
  const mayReopen = useMay('operator');
  const params = { path: { period } };
  const month = monthOf(period);
  async function close(): Promise<void> {
    await dataOf(client.POST('/api/periods/{period}/close', { params }));
    announce(`${month} is closed`);
    await queryClient.invalidateQueries();
  }
  async function reopen(): Promise<void> {
    await dataOf(client.POST('/api/periods/{period}/reopen', { params }));
    announce(`${month} is open again`);
    await queryClient.invalidateQueries();
  }
  if (status === 'open')
    return (
      mayClose && (
        <ConfirmButton
          isSmall
          kind="secondary"
          title={`Close ${month}`}
          description="From then on, payments, cancellations and adjustments that count in this month are refused. Only an operator can reopen it."
          confirm="Close the month"
          onConfirm={close}
          aria-label={`Close ${month}`}
        >
          Close
        </ConfirmButton>
      )
    );
  return (
    mayReopen && (
      <ConfirmButton
        isSmall
        title={`Reopen ${month}`}
        description="Entries can be posted into this month again, so reports of it may change."
        confirm="Reopen the month"
        onConfirm={reopen}
        aria-label={`Reopen ${month}`}
      >
        Reopen
      </ConfirmButton>
    )
  );
}
