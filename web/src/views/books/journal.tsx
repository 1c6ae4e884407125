import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import { useMay } from '../../api/session';
import { Filters, SelectFilter, TextFilter, TimeFilter, usePager } from '../../ui/filters';
import { Time } from '../../ui/format';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { NewAdjustment } from './adjustment-form';
import { type Entry, Lines, kindOf } from './entry';
import { EntryDialog } from './entry-dialog';
import { useLedger } from './ledger';
import { RowLink } from '../../ui/row-link';

const FILTERS = ['from', 'to', 'ledger_account', 'through_entry'];

const COLUMNS: Column<Entry>[] = [
  { head: 'No.', cell: ({ number }) => <RowLink id={String(number)}>{number}</RowLink>, isNumber: true },
  { head: 'Counts at', cell: ({ effective_at }) => <Time at={effective_at} show="day" /> },
  {
    head: 'Entry',
    cell: (entry) => (
      <>
        <span className="whitespace-nowrap">{kindOf(entry)}</span>
        {entry.memo !== null && <span className="block max-w-60 truncate text-sm text-muted">{entry.memo}</span>}
      </>
    ),
  },
  { head: 'Lines', cell: ({ lines }) => <Lines lines={lines} /> },
];

/** The entries with their lines, newest first. */
export default function Journal() {
  const [search, change] = useSearchState();
  const mayWrite = useMay('books:write');
  const { accounts } = useLedger();
  const query = { ...Object.fromEntries(FILTERS.map((name) => [name, search[name]])), cursor: search['cursor'] };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/journal/entries',
    { params: { query } },
    { placeholderData: keepPreviousData },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel
      title="Journal"
      hint="Numbers have no gaps, and no entry changes. A mistake is reversed."
      isFlush
      actions={mayWrite && <NewAdjustment />}
    >
      <Filters label="Filter entries" names={FILTERS}>
        <SelectFilter label="Ledger account" name="ledger_account" options={accounts} className="w-full sm:w-56" />
        <TimeFilter label="Counts from" name="from" />
        <TimeFilter label="Counts before" name="to" />
        <TextFilter label="Up to number" name="through_entry" className="w-full sm:w-32" />
      </Filters>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton rows={12} />}
      {!error && data && data.entries.length > 0 && (
        <Table caption="Journal entries" columns={COLUMNS} rows={data.entries} keyOf={({ number }) => String(number)} />
      )}
      {!error && data?.entries.length === 0 && (
        <Empty title="No entries">Pay an order, post an adjustment, or change the filters.</Empty>
      )}
      <Pager {...pager} />
      {search['id'] !== undefined && <EntryDialog number={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}
