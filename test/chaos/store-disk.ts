import { execFile } from 'node:child_process';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE = '256m';
const CHUNK = Buffer.alloc(1024 * 1024);

/**
 * The disk of the report files, which can be full. Root mounts a small one of its own and fills it to the last byte
 * (ENOSPC); anybody else takes away the right to write (EACCES), which the product has to bear in the same way.
 */
export class StoreDisk {
  private readonly isRoot = process.getuid?.() === 0;
  private isMounted = false;

  constructor(private readonly folder: string) {}

  /** False for a root that may not mount, as in many a container: it can fill no disk but everybody's. */
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
      // The last chunk is written in part, and then there is no room for a byte.
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
