import { CallbackReceiver } from './callback-receiver.js';
import type { FromEngine, ToEngine } from './engine-process.js';
import { runLoad } from './engine.js';

/** Entry point of the load generator's process. It opens its receiver, reports the URL and waits for a plan. */
let receiver: CallbackReceiver | null = null;

function report(message: FromEngine): void {
  process.send?.(message);
}

async function handle(message: ToEngine): Promise<void> {
  if (message.kind === 'open') {
    receiver = await CallbackReceiver.open(message.receiver);
    report({ kind: 'listening', receiverUrl: receiver.urlOf(0).replace(/0$/, '') });
    return;
  }
  const onProgress = (progress: object) => report({ kind: 'progress', progress } as FromEngine);
  const result = await runLoad(message.plan, receiver, onProgress, new AbortController().signal);
  report({ kind: 'result', result });
}

process.on('message', (message: ToEngine) => {
  handle(message).catch((error: unknown) =>
    report({ kind: 'failed', why: error instanceof Error ? error.message : String(error) }),
  );
});
// The service has exited, so the load has no purpose.
process.on('disconnect', () => process.exit());
