import { useQuery } from '@tanstack/react-query';
import { useSession } from '../../api/session';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { Table } from '../../ui/table';
import { EventDialog } from './event-dialog';
import { NewEvent } from './event-form';
import { EVENT_COLUMNS } from './events';
import { ownEvents } from './own-sales';

/** @returns The events of the organizer who is logged in. */
export function useOwnEvents() {
  const id = useSession().caller?.id ?? '';
  return useQuery({ queryKey: ['own-events', id], queryFn: () => ownEvents(id), enabled: id !== '' });
}

/** The events of the organizer, past ones too. */
export default function OwnEvents() {
  const [search, change] = useSearchState();
  const { data, error, refetch } = useOwnEvents();
  return (
    <Panel title="Your events" hint="The soonest first, past ones too" isFlush actions={<NewEvent />}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton />}
      {!error && data?.rows.length === 0 && (
        <Empty title="You have no events">Publish one: it is public at once, and sells its tickets once each.</Empty>
      )}
      {!error && data && data.rows.length > 0 && (
        <Table caption="Your events" columns={EVENT_COLUMNS} rows={data.rows} keyOf={({ id }) => id} />
      )}
      {data?.isAll === false && (
        <p className="border-t px-5 py-2 text-muted">Only events among the first 2,000 are shown.</p>
      )}
      {search['id'] !== undefined && <EventDialog id={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}
