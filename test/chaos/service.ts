import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, writeFileSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.js';
import type { ProcessName } from './schedule.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
/** Preloaded: ends the process when this one ends, even after a crash. */
const LEASH = new URL('../support/leash.js', import.meta.url).href;
const CLOCK = new URL('./clock.js', import.meta.url).href;
/** Long, because the process waits for a stopped Postgres and the machine may be busy. */
const START_TIMEOUT_MS = 90_000;
const RESTART_MS = 500;

/** A process of the built service. It always restarts at the same address. */
export class Service {
  /** Exits and errors that no fault caused. */
  readonly failures: string[] = [];
  private readonly clockFile: string;
  private readonly log: WriteStream;
  private port = 0;
  private child: ChildProcess | null = null;

  constructor(
    readonly name: ProcessName,
    folder: string,
    private readonly env: Record<string, string>,
  ) {
    this.clockFile = join(folder, `${name}.clock`);
    this.log = createWriteStream(join(folder, `${name}.log`));
    writeFileSync(this.clockFile, '0');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when the service is healthy, or was killed before that. */
  async start(): Promise<void> {
    this.port ||= await freePort();
    const child = spawn(process.execPath, ['--import', LEASH, '--import', CLOCK, MAIN], {
      cwd: join(this.clockFile, '..'),
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'test',
        ...this.env,
        PORT: String(this.port),
        CHAOS_CLOCK: this.clockFile,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream.pipe(this.log, { end: false });
    child.on('exit', (code, signal) => {
      if (this.child !== child) return; // Killed.
      this.failures.push(`${this.name} ended unexpectedly: ${signal ?? `exit code ${code}`}`);
      setTimeout(() => void this.start(), RESTART_MS);
    });
    await this.untilHealthy(child);
  }

  async kill(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  freeze(): () => void {
    const child = this.child;
    child?.kill('SIGSTOP');
    return () => child?.kill('SIGCONT');
  }

  setClock(offMs: number): void {
    writeFileSync(this.clockFile, String(offMs));
    this.child?.kill('SIGUSR2');
  }

  private async untilHealthy(child: ChildProcess): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    let isHealthy = false;
    while (this.child === child && !isHealthy) {
      if (performance.now() > deadline)
        return void this.failures.push(`${this.name} is not healthy after ${START_TIMEOUT_MS} ms`);
      await sleep(100);
      const signal = AbortSignal.timeout(2_000);
      isHealthy = await fetch(`${this.url}/healthz`, { signal }).then(
        ({ ok }) => ok,
        () => false,
      );
    }
  }
}
