import { execFile } from 'node:child_process';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE = '256m';
const CHUNK = Buffer.alloc(1024 * 1024);

/**
 * The disk of the report files, which a fault can fill. Root mounts a small tmpfs and fills it (ENOSPC). Other users
 * remove the write permission (EACCES), which the product handles in the same way.
 */
export class StoreDisk {
  private readonly isRoot = process.getuid?.() === 0;
  private isMounted = false;

  constructor(private readonly folder: string) {}

  /** False for a root that cannot mount, as in many containers. It could only fill the disk of the whole machine. */
  get canBeFull(): boolean {
    return this.isMounted || !this.isRoot;
  }

  async mount(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    if (!this.isRoot) return;
    const options = ['-t', 'tmpfs', '-o', `size=${SIZE},mode=755`];
    this.isMounted = await run('mount', [...options, 'daybook-chaos', this.folder]).then(
      () => true,
      () => false,
    );
  }

  async fill(): Promise<void> {
    if (!this.isRoot) return this.allow(0o500);
    const filler = await open(join(this.folder, 'filler'), 'w');
    try {
      // Writes until the disk is full. The last chunk is written in part.
      for (;;) await filler.write(CHUNK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await filler.close();
    }
  }

  async free(): Promise<void> {
    if (this.isRoot) await rm(join(this.folder, 'filler'), { force: true });
    else await this.allow(0o700);
  }

  async unmount(): Promise<void> {
    if (this.isMounted) await run('umount', ['-l', this.folder]);
  }

  private async allow(mode: number): Promise<void> {
    for (const name of ['spool', 'results']) await chmod(join(this.folder, name), mode);
  }
}
