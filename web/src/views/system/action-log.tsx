import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { Button } from '../../ui/button';
import { Json } from '../../ui/code';
import { Dialog } from '../../ui/dialog';
import { Filters, TextFilter, TimeFilter, usePager } from '../../ui/filters';
import { Time } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';

type Action = components['schemas']['Action'];

/** Who changed what, and when. Operators see all accounts, other callers their own. */
export function ActionLog() {
  const [{ action, target, since, until, cursor }] = useSearchState();
  const filter = {
    ...(action && { action }),
    ...(target && { target }),
    ...(since && { since }),
    ...(until && { until }),
  };
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/actions',
    { params: { query: { ...filter, ...(cursor && { cursor }), limit: 50 } } },
    { refetchInterval: cursor ? false : 5_000, placeholderData: keepPreviousData },
  );
  const pager = usePager(data?.next_cursor);
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <Panel title="Action log" hint="Each change that a caller made or tried to make, newest first." isFlush>
      <Filters label="Filter actions" names={['action', 'target', 'since', 'until']}>
        <TextFilter label="Action" name="action" placeholder="request.cancel" />
        <TextFilter label="Target" name="target" placeholder="An id or a name" />
        <TimeFilter label="From" name="since" />
        <TimeFilter label="To" name="until" />
      </Filters>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={8} />}
      {data?.actions.length === 0 && (
        <Empty title={isFiltered ? 'No action matches' : 'Nothing has been changed yet'}>
          {isFiltered
            ? 'Actions and targets are matched as a whole, such as request.cancel.'
            : 'Changes over the API, the dashboard and the command line appear here.'}
        </Empty>
      )}
      {data && data.actions.length > 0 && (
        <Table caption="Actions, newest first" columns={COLUMNS} rows={data.actions} keyOf={({ id }) => id} />
      )}
      <Pager {...pager} />
    </Panel>
  );
}

const COLUMNS: Column<Action>[] = [
  { head: 'Time', cell: ({ at }) => <Time at={at} /> },
  { head: 'Action', cell: ({ action }) => <code className="font-mono text-sm font-medium">{action}</code> },
  {
    head: 'Target',
    cell: ({ target }) =>
      target === null ? (
        <span className="text-muted">–</span>
      ) : (
        <span title={target} className="block max-w-48 truncate font-mono text-sm">
          {target}
        </span>
      ),
  },
  { head: 'By', cell: ({ actor }) => <Actor actor={actor} /> },
  {
    head: 'Outcome',
    cell: ({ outcome, status }) => (
      <Badge tone={outcome === 'succeeded' ? 'good' : 'bad'}>
        {outcome}
        {outcome === 'failed' && status !== null && ` (${status})`}
      </Badge>
    ),
  },
  { head: <span className="sr-only">Details</span>, cell: (action) => <Details action={action} /> },
];

const ACTORS: Record<Action['actor']['kind'], string> = {
  key: 'API key',
  operator: 'operator',
  user: 'user',
  anonymous: 'anonymous',
  open: 'anyone (AUTH=open)',
  'command-line': 'command line',
};

function Actor({ actor: { kind, name, id } }: Pick<Action, 'actor'>) {
  return (
    <span title={id ?? undefined}>
      {name ?? ACTORS[kind]}
      {name !== null && <span className="block text-xs text-muted">{ACTORS[kind]}</span>}
    </span>
  );
}

function Details({ action }: { action: Action }) {
  return (
    <Dialog
      title={action.action}
      description={
        <>
          <Time at={action.at} /> {action.address !== null && `from ${action.address}`}
        </>
      }
      trigger={
        <Button isSmall aria-label={`Details of ${action.action}`}>
          Details
        </Button>
      }
    >
      <Json label="The entry of the log" value={action} />
    </Dialog>
  );
}
