import { Inject, Injectable } from '@nestjs/common';
import { NIL } from 'uuid';
import { MailServer } from '../mail/mail-server.js';
import { Heartbeat } from '../jobs/workers/heartbeat.js';
import { withTimeout } from '../platform/concurrency/timeout.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { DatabaseUnavailable } from '../platform/database/outages.js';
import { VERSION } from '../platform/package.js';
import { QueuePauses } from '../queue/pauses/queue-pauses.service.js';
import type { QueueName } from '../queue/pauses/queue-name.js';
import { WorkQueue } from '../queue/work-queue.js';
import { FreeDisk, diskSpace } from '../reports/storage/free-disk.js';
import { ObjectStorage } from '../reports/storage/object-storage.js';
import { DatabaseStateStore } from './database-state.store.js';
import type { Dependency, HealthReport } from './health-report.js';
import { ProcessLoad } from './process-load.js';

/** How long a report is reused: anyone may ask, and each report writes an object. */
const FRESH_MS = 1_000;
/** A dependency that does not answer within this time is down. */
const CHECK_TIMEOUT_MS = 1_000;
/** Written and removed by each check. One name, so that a crash in between leaves one object at most. */
const PROBE_KEY = `${NIL}.health`;
const REFUSED_BY_REDIS = /^(NOAUTH|WRONGPASS|NOPERM)|invalid password|without any password/;
const STORAGE_CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EACCES: 'not-writable',
  EPERM: 'not-writable',
  EROFS: 'not-writable',
};

/** A check that ended: what it returned, or null, and what that says about the dependency. */
interface Checked<T> {
  value: T | null;
  dependency: Dependency;
}

class Late extends Error {}

/** Checks every dependency of this process, and measures the process. */
@Injectable()
export class HealthReports {
  private report: Promise<HealthReport> | null = null;
  private readAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly databaseState: DatabaseStateStore,
    private readonly heartbeat: Heartbeat,
    private readonly queue: WorkQueue,
    private readonly pauses: QueuePauses,
    private readonly storage: ObjectStorage,
    private readonly disk: FreeDisk,
    private readonly mail: MailServer,
    private readonly load: ProcessLoad,
    @Inject(CONFIG) private readonly config: Pick<Config, 'ROLE' | 'DATA_DIR' | 'REDIS_URL'>,
  ) {}

  /** @returns A report that is at most a second old. Never rejects for a dependency that is down. */
  read(): Promise<HealthReport> {
    const now = performance.now();
    if (!this.report || now - this.readAtMs > FRESH_MS) {
      this.readAtMs = now;
      this.report = this.write();
    }
    return this.report;
  }

  private async write(): Promise<HealthReport> {
    const [dependencies, pauses, migrations, disk] = await Promise.all([
      this.dependencies(),
      check(() => this.pauses.paused(), databaseCause),
      check(() => this.databaseState.migrations(), databaseCause),
      withTimeout(diskSpace(this.config.DATA_DIR), CHECK_TIMEOUT_MS).catch(() => null),
    ]);
    const isUp = Object.values(dependencies).every(({ status }) => status === 'up');
    return {
      status: isUp && migrations.value?.status !== 'pending' ? 'ok' : 'degraded',
      version: VERSION,
      role: this.config.ROLE,
      uptime_seconds: Math.round(process.uptime()),
      dependencies,
      queues: pauses.value && queuesOf(pauses.value),
      migrations: migrations.value,
      ...this.load.read(),
      disk: disk && { free_bytes: disk.freeBytes, total_bytes: disk.totalBytes, is_low: this.disk.isLow },
    };
  }

  private async dependencies(): Promise<HealthReport['dependencies']> {
    const [database, queue, storage, mail, workers] = await Promise.all([
      check(() => this.databaseState.read(), databaseCause),
      check(() => this.queue.state(), queueCause),
      check(() => this.probeStorage(), storageCause),
      check(
        () => this.mail.check(),
        () => 'unreachable',
      ),
      check(() => this.heartbeat.count(), databaseCause),
    ]);
    return {
      database: downIf(database.value?.isReadOnly, 'read-only', {
        ...database.dependency,
        version: database.value?.version ?? null,
      }),
      queue: {
        ...queue.dependency,
        version: queue.value?.version ?? null,
        driver: this.config.REDIS_URL ? 'redis' : 'in-process',
      },
      storage: downIf(this.disk.isLow, 'disk-low', storage.dependency),
      mail: {
        ...downIf(mail.value !== null, mail.value ?? '', mail.dependency),
        driver: this.mail.isSet ? 'smtp' : 'none',
      },
      workers: {
        ...downIf(workers.value?.alive === 0, 'none-alive', workers.dependency),
        alive: workers.value?.alive ?? null,
        active: workers.value?.busy ?? null,
      },
    };
  }

  private async probeStorage(): Promise<true> {
    await this.storage.put([{ key: PROBE_KEY, bytes: Buffer.from('ok') }]);
    await this.storage.remove([PROBE_KEY]);
    return true;
  }
}

function queuesOf(paused: ReadonlyMap<QueueName, Date>): HealthReport['queues'] {
  const stateOf = (name: QueueName) => ({ paused_at: paused.get(name)?.toISOString() ?? null });
  return { reports: stateOf('reports'), callbacks: stateOf('callbacks'), mail: stateOf('mail') };
}

/** Runs a check. It never rejects. */
async function check<T>(run: () => Promise<T>, causeOf: (error: unknown) => string): Promise<Checked<T>> {
  const startedAtMs = performance.now();
  const late = (): never => {
    throw new Late();
  };
  try {
    const value = await withTimeout(run(), CHECK_TIMEOUT_MS, late);
    const latency_ms = Math.round((performance.now() - startedAtMs) * 1_000) / 1_000;
    return { value, dependency: { status: 'up', cause: null, latency_ms, version: null } };
  } catch (error) {
    const cause = error instanceof Late ? 'timeout' : causeOf(error);
    return { value: null, dependency: { status: 'down', cause, latency_ms: null, version: null } };
  }
}

/** A dependency that answers, but is of no use for a reason. */
function downIf(isDown: boolean | undefined, cause: string, dependency: Dependency): Dependency {
  return isDown && dependency.status === 'up' ? { ...dependency, status: 'down', cause } : dependency;
}

const databaseCause = (error: unknown): string =>
  error instanceof DatabaseUnavailable ? error.reason : 'system-error';

function queueCause(error: unknown): string {
  return error instanceof Error && REFUSED_BY_REDIS.test(error.message) ? 'refused' : 'unreachable';
}

function storageCause(error: unknown): string {
  const { cause } = error as Error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  return STORAGE_CAUSES[code] ?? 'unavailable';
}
