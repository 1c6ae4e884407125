import type { ReactNode } from 'react';
import { api } from '../../api/client';
import type { components } from '../../api/schema.generated';
import { Time, bytes, duration, number } from '../../ui/format';
import { Bars } from '../../ui/page';
import { Badge, Panel, Stat, StatusBadge } from '../../ui/panel';
import { ErrorState, Skeleton } from '../../ui/states';
import { type Column, Table } from '../../ui/table';

type Report = components['schemas']['HealthReport'];

/** The health of the service as its caller may see it. */
export function Status() {
  const { data, error, refetch } = api.useQuery('get', '/api/health', {}, { refetchInterval: 3_000 });
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton rows={8} />;
  if (!('dependencies' in data)) return <PublicStatus status={data.status} />;
  return (
    <>
      <Figures report={data} />
      <Dependencies report={data} />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Queues report={data} />
        <Versions report={data} />
        <Memory report={data} />
        <Disk report={data} />
      </div>
    </>
  );
}

function PublicStatus({ status }: { status: string }) {
  return (
    <Panel title="Service" hint="Operators see the state of each part and of the process.">
      <StatusBadge status={status} />
    </Panel>
  );
}

/** An event loop that is later than this answers requests late. */
const LATE_MS = 200;
const BUSY_PERCENT = 90;

function Figures({
  report: { status, uptime_seconds, dependencies, cpu, event_loop_lag_ms, role },
}: {
  report: Report;
}) {
  const { alive, active } = dependencies.workers;
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Stat
        label="Service"
        value={status}
        tone={status === 'ok' ? 'good' : 'warn'}
        hint={`up for ${duration(uptime_seconds * 1_000)}, role ${role}`}
      />
      <Stat
        label="Workers"
        value={alive === null ? '–' : number(alive)}
        tone={alive === 0 ? 'bad' : undefined}
        hint={`${active === null ? '–' : number(active)} busy now`}
      />
      <Stat
        label="CPU of this process"
        value={`${Math.round(cpu.process_percent)}%`}
        tone={cpu.process_percent > BUSY_PERCENT * cpu.cores ? 'warn' : undefined}
        hint={`of ${number(cpu.cores)} cores, load ${cpu.load_average.map((load) => load.toFixed(1)).join(' ')}`}
      />
      <Stat
        label="Event loop lag, p99"
        value={duration(event_loop_lag_ms.p99)}
        tone={event_loop_lag_ms.p99 > LATE_MS ? 'warn' : undefined}
        hint={`mean ${duration(event_loop_lag_ms.mean)}, longest ${duration(event_loop_lag_ms.max)}`}
      />
    </dl>
  );
}

interface DependencyRow {
  name: string;
  status: string;
  cause: string | null;
  latency_ms: number | null;
  version: string | null;
  kind: string;
}

const TITLES: Record<keyof Report['dependencies'], string> = {
  database: 'Database',
  queue: 'Queue',
  storage: 'Storage of reports',
  mail: 'Mail',
  workers: 'Workers',
};

function Dependencies({ report }: { report: Report }) {
  const rows = Object.entries(report.dependencies).map(([name, { status, cause, latency_ms, version, ...more }]) => ({
    name: TITLES[name as keyof Report['dependencies']],
    kind: 'driver' in more ? more.driver : name === 'database' ? 'Postgres' : '',
    status,
    cause,
    latency_ms,
    version,
  }));
  return (
    <Panel title="Dependencies" hint="Checked now. A cause says what to put right." isFlush>
      <Table caption="State of each dependency" columns={DEPENDENCIES} rows={rows} keyOf={({ name }) => name} />
    </Panel>
  );
}

const DEPENDENCIES: Column<DependencyRow>[] = [
  { head: 'Name', cell: ({ name }) => <span className="font-medium">{name}</span> },
  { head: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { head: 'Cause', cell: ({ cause }) => cause ?? <span className="text-muted">–</span> },
  {
    head: 'Kind',
    cell: ({ kind, version }) => `${kind} ${version ?? ''}`.trim() || <span className="text-muted">–</span>,
  },
  { head: 'Latency', cell: ({ latency_ms }) => (latency_ms === null ? '–' : duration(latency_ms)), isNumber: true },
];

const QUEUES = [
  ['reports', 'Reports'],
  ['callbacks', 'Callbacks'],
  ['mail', 'Mail'],
] as const;

function Queues({ report: { queues } }: { report: Report }) {
  return (
    <Panel title="Queues" hint="npx daybook queues pause NAME pauses one, and resume NAME resumes it.">
      {queues === null ? (
        <p className="text-muted">Not known while the database does not answer.</p>
      ) : (
        <Facts
          facts={QUEUES.map(([name, title]) => {
            const { paused_at } = queues[name];
            return [
              title,
              paused_at === null ? (
                <Badge tone="good">running</Badge>
              ) : (
                <span>
                  <Badge tone="warn">paused</Badge> since <Time at={paused_at} />
                </span>
              ),
            ];
          })}
        />
      )}
    </Panel>
  );
}

function Versions({ report: { version, migrations, dependencies } }: { report: Report }) {
  const pending = migrations?.pending ?? [];
  return (
    <Panel title="Versions" hint="Every process of an installation should have the same version.">
      <Facts
        facts={[
          ['Daybook', version],
          ['Postgres', dependencies.database.version ?? '–'],
          ...(dependencies.queue.driver === 'redis'
            ? [['Redis', dependencies.queue.version ?? '–'] as [string, string]]
            : []),
          [
            'Schema',
            migrations === null ? (
              '–'
            ) : (
              <span key="schema">
                <StatusBadge status={migrations.status} /> {number(migrations.applied)} migrations
              </span>
            ),
          ],
          ...(pending.length > 0 ? [['Not applied', pending.join(', ')] as [string, string]] : []),
        ]}
      />
    </Panel>
  );
}

function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="space-y-1.5">
      {facts.map(([name, value]) => (
        <div key={name} className="flex flex-wrap justify-between gap-x-4">
          <dt className="text-muted">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Memory({ report: { memory } }: { report: Report }) {
  return (
    <Panel
      title="Memory of this process"
      hint={`${bytes(memory.machine_free_bytes)} of ${bytes(memory.machine_total_bytes)} of the machine are free.`}
    >
      <Bars
        label="Memory"
        rows={[
          { name: 'Resident', value: memory.rss_bytes, text: bytes(memory.rss_bytes) },
          { name: 'Heap, reserved', value: memory.heap_total_bytes, text: bytes(memory.heap_total_bytes) },
          { name: 'Heap, used', value: memory.heap_used_bytes, text: bytes(memory.heap_used_bytes) },
          { name: 'Buffers', value: memory.external_bytes, text: bytes(memory.external_bytes) },
        ]}
      />
    </Panel>
  );
}

function Disk({ report: { disk } }: { report: Report }) {
  if (disk === null) return null;
  const used = disk.total_bytes - disk.free_bytes;
  return (
    <Panel title="Disk of the reports" actions={disk.is_low && <Badge tone="bad">low</Badge>}>
      <Bars
        label="Disk"
        rows={[
          { name: 'Used', value: used, text: bytes(used) },
          { name: 'Free', value: disk.free_bytes, text: bytes(disk.free_bytes) },
        ]}
      />
      {disk.is_low && (
        <p className="mt-3 text-bad">
          New reports are refused until there is space: delete old requests, or add space.
        </p>
      )}
    </Panel>
  );
}
