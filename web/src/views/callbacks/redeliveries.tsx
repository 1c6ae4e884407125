import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { useMay } from '../../api/session';
import { ConfirmButton } from '../../ui/dialog';
import { Time, number } from '../../ui/format';
import { Progress } from '../../ui/page';
import { Panel, StatusBadge } from '../../ui/panel';
import { type Column, Table } from '../../ui/table';
import { announce } from '../../ui/toast';
import type { CallbackFilter } from './filter';

type Job = components['schemas']['RedeliveryJob'];

/** Callbacks counted before a redelivery; with more, the job says how many it has found. */
const COUNTED = 200;

function useCount(filter: CallbackFilter): { count: number; text: string } {
  const { data } = api.useQuery(
    'get',
    '/api/callbacks',
    { params: { query: { ...filter, limit: COUNTED } } },
    { refetchInterval: 3_000 },
  );
  const count = data?.callbacks.length ?? 0;
  return { count, text: data?.next_cursor ? `more than ${number(COUNTED)}` : number(count) };
}

async function redeliver({ status, destination, since }: CallbackFilter): Promise<void> {
  const body = {
    ...(status && status !== 'PENDING' && { status }),
    ...(destination && { destination }),
    ...(since && { since }),
  };
  const job = await dataOf(client.POST('/api/callbacks/redeliver', { body }));
  announce(job.matched === 1 ? '1 callback is sent again' : `${number(job.matched)} callbacks are sent again`);
  await queryClient.invalidateQueries();
}

const CONSEQUENCE =
  'Each gets a new retry schedule. Receivers see the same webhook-id as before, so they can ignore those they have.';

/** Sends every dead callback of the account again. */
export function RedeliverDead() {
  const { count, text } = useCount({ status: 'FAILED' });
  return (
    <ConfirmButton
      kind="primary"
      disabled={count === 0}
      title={`Redeliver ${text} dead ${count === 1 ? 'callback' : 'callbacks'}?`}
      description={CONSEQUENCE}
      confirm={`Redeliver ${text}`}
      onConfirm={() => redeliver({ status: 'FAILED' })}
    >
      {count === 0 ? 'No dead callbacks' : `Redeliver all dead (${text})`}
    </ConfirmButton>
  );
}

/** Sends the callbacks of the list's filter again. */
export function RedeliverMatching({ filter }: { filter: CallbackFilter }) {
  const { count, text } = useCount(filter);
  return (
    <ConfirmButton
      isSmall
      kind="secondary"
      disabled={count === 0}
      title={`Redeliver ${text} ${count === 1 ? 'callback' : 'callbacks'}?`}
      description={`${filter.status === 'FAILED' ? '' : 'Callbacks that were delivered are sent again too; those still waiting are not touched. '}${CONSEQUENCE}`}
      confirm={`Redeliver ${text}`}
      onConfirm={() => redeliver(filter)}
    >
      Redeliver these
    </ConfirmButton>
  );
}

/** The newest bulk redeliveries. Shown once there is one. */
export function Redeliveries() {
  const { data } = api.useQuery(
    'get',
    '/api/callbacks/redeliveries',
    { params: { query: { limit: 5 } } },
    {
      refetchInterval: ({ state }) =>
        state.data?.redeliveries.some(({ status }) => status === 'running') ? 1_000 : 10_000,
    },
  );
  const mayWrite = useMay('reports:write');
  if (!data || data.redeliveries.length === 0) return null;
  return (
    <Panel
      title="Bulk redeliveries"
      hint="The five newest. A redelivery is paced, so that a receiver can keep up."
      isFlush
    >
      <Table
        caption="Bulk redeliveries, newest first"
        columns={mayWrite ? [...COLUMNS, CANCEL] : COLUMNS}
        rows={data.redeliveries}
        keyOf={({ id }) => id}
      />
    </Panel>
  );
}

const COLUMNS: Column<Job>[] = [
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  {
    head: 'Sent again',
    cell: ({ redelivered, matched }) => (
      <div className="min-w-40">
        <p>
          {number(redelivered)} of {number(matched)}
        </p>
        <Progress label="Callbacks sent again" value={redelivered} max={matched} />
      </div>
    ),
  },
  { head: 'Filter', cell: ({ filter }) => <Filter filter={filter} /> },
  { head: 'Started', cell: ({ created_at }) => <Time at={created_at} /> },
  { head: 'Ended', cell: ({ finished_at }) => <Time at={finished_at} />, isExtra: true },
];

function Filter({ filter: { status, destination, since } }: Pick<Job, 'filter'>) {
  const name = status === 'FAILED' ? 'dead' : status === 'SUCCESS' ? 'delivered' : 'all';
  return (
    <span className="text-sm">
      {name}
      {destination !== null && ` to ${destination}`}
      {since !== null && (
        <>
          {' '}
          since <Time at={since} />
        </>
      )}
    </span>
  );
}

const CANCEL: Column<Job> = {
  head: <span className="sr-only">Act</span>,
  cell: ({ id, status, redelivered, matched }) =>
    status === 'running' && (
      <ConfirmButton
        isSmall
        title="Cancel this redelivery?"
        description={`${number(redelivered)} of ${number(matched)} callbacks are on their way already and are still sent. The others stay as they are.`}
        confirm="Cancel it"
        onConfirm={async () => {
          await dataOf(client.POST('/api/callbacks/redeliveries/{id}/cancel', { params: { path: { id } } }));
          await queryClient.invalidateQueries();
        }}
      >
        Cancel
      </ConfirmButton>
    ),
};
