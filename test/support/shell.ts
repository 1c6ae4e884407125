import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';

const TIMEOUT_MS = 15_000;

/** A bash that runs one script after the other. Variables and functions carry over, as in an interactive shell. */
export class Shell {
  private readonly child: ChildProcessWithoutNullStreams;
  private output = '';
  private errors = '';

  /**
   * @param cwd The working directory; scripts may write to it.
   * @param env Environment variables besides `PATH`.
   */
  constructor(cwd: string, env: Record<string, string> = {}) {
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    // Bash reads scripts from stdin, so it ends when this process is killed.
    this.child = spawn('bash', ['--noprofile', '--norc'], { cwd, env: { PATH: path, ...env } });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    this.child.stdin.on('error', () => undefined);
  }

  /**
   * Runs a script to its end and returns its output. An exit status other than 0 is not an error.
   * @throws Error with stdout and stderr when the script times out or ends the shell.
   */
  async run(script: string): Promise<string> {
    const end = `end-${randomUUID()}`;
    this.output = this.errors = '';
    this.child.stdin.write(`{\n${script}\n} < /dev/null\nprintf '%s\\n' ${end}\n`);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    while (!this.output.includes(end)) {
      if (this.child.exitCode !== null) throw new Error(`The shell has ended: ${this.errors}`);
      await once(this.child.stdout, 'data', { signal }).catch(() => {
        throw new Error(`Still running after ${TIMEOUT_MS} ms: ${script}\n${this.output}\n${this.errors}`);
      });
    }
    return this.output.slice(0, this.output.indexOf(end));
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
