import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BenchmarkFailed } from '../benchmark.errors.js';
import type { LoadPlan, LoadProgress, LoadResult, ReceiverPlan } from './load-plan.js';

/** Message to the engine. */
export type ToEngine = { kind: 'open'; receiver: ReceiverPlan } | { kind: 'run'; plan: LoadPlan };

/** Message from the engine. */
export type FromEngine =
  | { kind: 'listening'; receiverUrl: string }
  | { kind: 'progress'; progress: LoadProgress }
  | { kind: 'result'; result: LoadResult }
  | { kind: 'failed'; why: string };

const ENGINE = fileURLToPath(new URL('./engine.process.js', import.meta.url));

/** The load generator in its own process. In the service's process it would measure the delay that it causes itself. */
export class EngineProcess {
  private constructor(
    private readonly child: ChildProcess,
    /** Start of the run's callback URLs. */
    readonly receiverUrl: string,
  ) {}

  /** Starts the process and its receiver. @throws BenchmarkFailed when it does not start. */
  static async open(receiver: ReceiverPlan): Promise<EngineProcess> {
    // Flags of the service, such as --inspect, are not passed on.
    const child = fork(ENGINE, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const listening = answerOf(child, () => undefined);
    send(child, { kind: 'open', receiver });
    const answer = await listening.catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    return new EngineProcess(child, answer.kind === 'listening' ? answer.receiverUrl : '');
  }

  /** Runs a plan. @throws BenchmarkFailed when the load fails or the process ends first. */
  async run(plan: LoadPlan, onProgress: (progress: LoadProgress) => void): Promise<LoadResult> {
    const result = answerOf(this.child, onProgress);
    send(this.child, { kind: 'run', plan });
    const answer = await result;
    if (answer.kind !== 'result') throw new BenchmarkFailed(`unexpected message ${answer.kind}`);
    return answer.result;
  }

  /** Kills the process. The service still completes the requests that it has accepted. */
  end(): void {
    this.child.kill('SIGKILL');
  }
}

function send(child: ChildProcess, message: ToEngine): void {
  // A failed send is ignored: it means that the process has exited, which is reported anyway.
  child.send(message, () => undefined);
}

/** @returns The next message other than progress. */
async function answerOf(child: ChildProcess, onProgress: (progress: LoadProgress) => void): Promise<FromEngine> {
  const over = new AbortController();
  const { signal } = over;
  const ended = once(child, 'exit', { signal }).then(([code, by]): never => {
    throw new BenchmarkFailed(`the load generator ended (${String(code ?? by)})`);
  });
  const answered = new Promise<FromEngine>((resolve, reject) => {
    const take = (message: FromEngine): void => {
      if (message.kind === 'progress') return onProgress(message.progress);
      child.off('message', take);
      if (message.kind === 'failed') reject(new BenchmarkFailed(message.why));
      else resolve(message);
    };
    child.on('message', take);
  });
  ended.catch(() => undefined);
  return Promise.race([answered, ended]).finally(() => over.abort());
}
