import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type BeforeApplicationShutdown, Logger, type OnModuleInit } from '@nestjs/common';
import type { Config } from '../../platform/config/config.js';
import type { FreeSpace } from '../../platform/config/values.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { DiskLow } from '../../requests/requests.errors.js';

const SAMPLE_MS = 1_000;
const MB = 1024 ** 2;
const DEFAULT_FLOOR_BYTES = 1024 * MB;
const DEFAULT_FLOOR_SHARE = 0.05;

/** The space of the file system that has a folder. */
export interface DiskSpace {
  freeBytes: number;
  totalBytes: number;
}

/** Reads the space that an unprivileged process may use. */
export async function diskSpace(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** Returns the bytes that must be free on a disk; 0 for no floor. */
export function floorBytes(setting: FreeSpace | null | undefined, totalBytes: number): number {
  if (setting === null) return 0;
  if (setting === undefined) return Math.min(DEFAULT_FLOOR_BYTES, totalBytes * DEFAULT_FLOOR_SHARE);
  return 'bytes' in setting ? setting.bytes : totalBytes * setting.share;
}

/** The folders that grow: report files, and the embedded Postgres if it is used. */
export function growingFolders({ DATA_DIR, DATABASE_URL }: Pick<Config, 'DATA_DIR' | 'DATABASE_URL'>): string[] {
  const folders = ['files/results', 'files/spool', ...(DATABASE_URL === undefined ? ['postgres'] : [])];
  return folders.map((folder) => join(DATA_DIR, folder));
}

/**
 * Keeps `MIN_FREE_DISK` free, because a full disk stops Postgres: below that, no request is accepted and no report begins.
 * Requests stay pending. It looks once a second, so asking costs nothing.
 */
export class FreeDisk implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('FreeDisk');
  private timer: NodeJS.Timeout | undefined;
  private isSampling = false;
  private freeBytes: number | null = null;
  private low = false;

  constructor(
    private readonly folders: readonly string[],
    private readonly setting: FreeSpace | null | undefined,
    private readonly metrics: Metrics,
    private readonly probe: (folder: string) => Promise<DiskSpace> = diskSpace,
  ) {
    metrics.gauge(
      'daybook_disk_free_bytes',
      'Free space on the disk of the report files or of the embedded Postgres, whichever has less',
      () => this.freeBytes,
    );
  }

  async onModuleInit(): Promise<void> {
    this.timer = setInterval(() => void this.sample(), SAMPLE_MS).unref();
    await this.sample();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Whether less than the floor is free. */
  get isLow(): boolean {
    return this.low;
  }

  /** Checks that a request may be accepted. @throws DiskLow */
  check(): void {
    if (!this.low) return;
    this.metrics.shed.inc({ reason: 'disk' });
    throw new DiskLow();
  }

  /** Looks at the disks now, unless it is looking. A folder that cannot be read is left to the operations that use it. */
  async sample(): Promise<void> {
    if (this.isSampling) return;
    this.isSampling = true;
    const spaces = await Promise.all(this.folders.map((folder) => this.probe(folder).catch(() => null)));
    this.isSampling = false;
    const known = spaces.filter((space) => space !== null);
    this.freeBytes = known.length > 0 ? Math.min(...known.map(({ freeBytes }) => freeBytes)) : null;
    const short = spaces.findIndex(
      (space) => space !== null && space.freeBytes < floorBytes(this.setting, space.totalBytes),
    );
    const isLow = short >= 0;
    if (isLow !== this.low) this.logChange(short, spaces[short] ?? null);
    this.low = isLow;
  }

  private logChange(index: number, space: DiskSpace | null): void {
    if (!space) return this.logger.warn('The disk has enough free space again; requests are accepted');
    const [free, floor] = [space.freeBytes, floorBytes(this.setting, space.totalBytes)].map((bytes) =>
      Math.floor(bytes / MB),
    );
    this.logger.error(
      `The disk of ${this.folders[index]} has ${free} MB free, less than MIN_FREE_DISK (${floor} MB): ` +
        'nothing is accepted, and reports wait',
    );
  }
}
