import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { CheckFilter, Filters, TextFilter } from '../../ui/filters';
import { number } from '../../ui/format';
import { Badge, Panel } from '../../ui/panel';
import { useSearchState } from '../../ui/search';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';

type Setting = components['schemas']['Setting'];

/** The settings in effect, without secrets. */
export function Settings() {
  const [{ q = '', changed }] = useSearchState();
  const { data, error, refetch } = api.useQuery('get', '/api/settings', {}, { staleTime: 60_000 });
  const sought = q.toLowerCase();
  const rows = (data?.settings ?? []).filter(
    ({ name, description, source }) =>
      `${name} ${description}`.toLowerCase().includes(sought) && (changed !== 'true' || source !== 'default'),
  );
  return (
    <Panel
      title="Settings in effect"
      hint="Read once at the start, from the environment and the file .env. A change takes effect after a restart."
      isFlush
    >
      <Filters label="Filter settings" names={['q', 'changed']}>
        <TextFilter label="Name or description" name="q" />
        <CheckFilter label="Only those that are set" name="changed" />
      </Filters>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Skeleton rows={10} />}
      {data && rows.length === 0 && (
        <Empty title="No setting matches">All {number(data.settings.length)} are listed without filters.</Empty>
      )}
      {rows.length > 0 && <Table caption="Settings" columns={COLUMNS} rows={rows} keyOf={({ name }) => name} />}
    </Panel>
  );
}

const COLUMNS: Column<Setting>[] = [
  {
    head: 'Name',
    cell: ({ name, section }) => (
      <>
        <code className="font-mono text-sm font-medium">{name}</code>
        <span className="block text-xs text-muted">{section}</span>
      </>
    ),
  },
  { head: 'Value', cell: ({ value, is_secret }) => <Value value={value} isSecret={is_secret} /> },
  {
    head: 'From',
    cell: ({ source }) => <Badge tone={source === 'default' ? 'muted' : 'info'}>{source}</Badge>,
  },
  { head: 'Meaning', cell: ({ description }) => <Meaning text={description} /> },
];

/** Descriptions quote names and values with backticks. */
function Meaning({ text }: { text: string }) {
  return (
    <span className="block min-w-64 text-sm">
      {text.split('`').map((part, index) =>
        index % 2 === 0 ? (
          part
        ) : (
          <code key={index} className="rounded bg-sunken px-1 font-mono text-xs">
            {part}
          </code>
        ),
      )}
    </span>
  );
}

function Value({ value, isSecret }: { value: string | null; isSecret: boolean }) {
  if (isSecret) return <span className="text-sm text-muted">{value === null ? 'not set' : 'set, not shown'}</span>;
  if (value === null) return <span className="text-sm text-muted">not set</span>;
  return <code className="block max-w-64 min-w-36 font-mono text-sm wrap-anywhere">{value}</code>;
}
