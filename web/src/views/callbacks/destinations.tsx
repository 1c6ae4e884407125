import { api, client, dataOf, queryClient } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { Button } from '../../ui/button';
import { Time, number } from '../../ui/format';
import { Badge, Panel, StatusBadge } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { ErrorState } from '../../ui/states';
import { type Column, Pager, Table } from '../../ui/table';
import { act } from '../../ui/toast';

type Destination = components['schemas']['Destination'];
type DisabledUrl = Destination['disabled_urls'][number];

/** Destinations that failed recently, with their breakers and the URLs that answered 410 Gone. */
export function Destinations() {
  const [search, change] = useSearchState();
  const { destinations_cursor: cursor } = search;
  const { data, error, refetch } = api.useQuery(
    'get',
    '/api/callbacks/destinations',
    { params: { query: { limit: 10, ...(cursor && { cursor }) } } },
    { refetchInterval: 3_000 },
  );
  const isQuiet = data?.destinations.length === 0 && cursor === undefined;
  return (
    <Panel
      title="Destinations with failures"
      hint="After repeated failures a breaker opens: callbacks to this destination wait, and one at a time probes it."
      isFlush
    >
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!error && (!data || isQuiet) && (
        <p className="flex min-h-12 items-center gap-2.5 border-t px-4 py-2.5 sm:px-5">
          {isQuiet ? (
            <>
              <Badge tone="good">closed</Badge> No destination has failed recently, and all breakers are closed.
            </>
          ) : (
            <span className="text-muted">Reading the destinations</span>
          )}
        </p>
      )}
      {data && !isQuiet && (
        <Table
          caption="Destinations where callbacks failed recently"
          columns={COLUMNS}
          rows={data.destinations}
          keyOf={({ destination }) => destination}
        />
      )}
      <Pager
        hasPrevious={cursor !== undefined}
        nextCursor={data?.next_cursor}
        onFirst={() => change({ destinations_cursor: undefined })}
        onNext={(next) => change({ destinations_cursor: next })}
      />
    </Panel>
  );
}

const COLUMNS: Column<Destination>[] = [
  { head: 'Destination', cell: (row) => <Name {...row} /> },
  { head: 'Breaker', cell: ({ state }) => <StatusBadge status={state} /> },
  { head: 'Failures in a row', cell: ({ failures }) => number(failures), isNumber: true },
  { head: 'Not closed since', cell: ({ not_closed_since }) => <Time at={not_closed_since} />, isExtra: true },
  { head: 'Next probe', cell: ({ next_probe_at }) => <Time at={next_probe_at} show="time" /> },
  { head: 'Callbacks', cell: ({ has_waiting }) => (has_waiting ? 'waiting' : 'none waiting'), isExtra: true },
  { head: 'Disabled URLs', cell: (row) => <Disabled {...row} /> },
];

function Name({ destination }: Destination) {
  const [, change] = useSearchState();
  return (
    <button
      type="button"
      className="block max-w-72 min-w-40 truncate text-left font-medium underline-offset-2 hover:underline"
      title="Show its callbacks"
      onClick={() => change({ destination, status: 'all', cursor: undefined })}
    >
      {destination}
    </button>
  );
}

function Disabled({ disabled_urls }: Destination) {
  if (disabled_urls.length === 0) return <span className="text-muted">–</span>;
  return (
    <ul className="space-y-1.5">
      {disabled_urls.map((disabled) => (
        <DisabledRow key={disabled.url} disabled={disabled} />
      ))}
    </ul>
  );
}

/** A URL that answered 410 Gone gets no callbacks until it is enabled. */
function DisabledRow({ disabled: { url, disabled_at } }: { disabled: DisabledUrl }) {
  const enable = () =>
    act(async () => {
      await dataOf(client.POST('/api/callbacks/urls/enable', { body: { url } }));
      await queryClient.invalidateQueries();
    }, 'The URL gets callbacks again');
  return (
    <li className="flex items-center gap-2 text-sm">
      <span className="max-w-56 truncate" title={url}>
        {url}
      </span>
      <span className="text-muted">
        gone since <Time at={disabled_at} />
      </span>
      <Button isSmall onClick={() => void enable()} aria-label={`Enable ${url}`}>
        Enable
      </Button>
    </li>
  );
}
