import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BenchmarkFailed } from '../benchmark.errors.js';
import type { LoadPlan, LoadProgress, LoadResult, ReceiverPlan } from './load-plan.js';

/** What the engine is told. */
export type ToEngine = { kind: 'open'; receiver: ReceiverPlan } | { kind: 'run'; plan: LoadPlan };

/** What it tells. */
export type FromEngine =
  | { kind: 'listening'; receiverUrl: string }
  | { kind: 'progress'; progress: LoadProgress }
  | { kind: 'result'; result: LoadResult }
  | { kind: 'failed'; why: string };

const ENGINE = fileURLToPath(new URL('./engine.process.js', import.meta.url));

/** The load generator in a process of its own, so that the service does not measure its own event loop. */
export class EngineProcess {
  private constructor(
    private readonly child: ChildProcess,
    /** What the run's callback URLs begin with. */
    readonly receiverUrl: string,
  ) {}

  /** @throws BenchmarkFailed when it does not start. */
  static async open(receiver: ReceiverPlan): Promise<EngineProcess> {
    // Its own flags: what the service was started with (an inspector, a loader) is not meant for it.
    const child = fork(ENGINE, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const listening = answerOf(child, () => undefined);
    order(child, { kind: 'open', receiver });
    const answer = await listening.catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    return new EngineProcess(child, answer.kind === 'listening' ? answer.receiverUrl : '');
  }

  /** @throws BenchmarkFailed, also when it was ended meanwhile. */
  async run(plan: LoadPlan, onProgress: (progress: LoadProgress) => void): Promise<LoadResult> {
    const result = answerOf(this.child, onProgress);
    order(this.child, { kind: 'run', plan });
    const answer = await result;
    if (answer.kind !== 'result') throw new BenchmarkFailed(`an unexpected answer, ${answer.kind}`);
    return answer.result;
  }

  /** Ends it at once; what it has sent goes on in the service. */
  end(): void {
    this.child.kill('SIGKILL');
  }
}

function order(child: ChildProcess, message: ToEngine): void {
  // What cannot be sent any more shows as the end of the process.
  child.send(message, () => undefined);
}

/** The next message that is not about progress. */
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
