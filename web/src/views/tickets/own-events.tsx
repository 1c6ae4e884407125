import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import { useSession } from '../../api/session';
import { usePager } from '../../ui/filters';
import { Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { Pager, Table } from '../../ui/table';
import { EventDialog } from './event-dialog';
import { NewEvent } from './event-form';
import { EVENT_COLUMNS } from './events';
import { BEGINNING } from './own-sales';

/** The events of the organizer who is logged in, past ones too. */
export default function OwnEvents() {
  const [search, change] = useSearchState();
  const id = useSession().caller?.id;
  const query = { organizer_id: id, from: BEGINNING, cursor: search['cursor'] };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/events',
    { params: { query } },
    { placeholderData: keepPreviousData, refetchInterval: 15_000, enabled: id !== undefined },
  );
  const pager = usePager(data?.next_cursor);
  return (
    <Panel title="Your events" hint="The soonest first, past ones too" isFlush actions={<NewEvent />}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : !data && <Skeleton />}
      {!error && data?.events.length === 0 && (
        <Empty title="You have no events">Publish one: it is public at once, and sells its tickets once each.</Empty>
      )}
      {!error && data && data.events.length > 0 && (
        <Table caption="Your events" columns={EVENT_COLUMNS} rows={data.events} keyOf={(event) => event.id} />
      )}
      <Pager {...pager} />
      {search['id'] !== undefined && <EventDialog id={search['id']} onClose={() => change({ id: undefined })} />}
    </Panel>
  );
}
