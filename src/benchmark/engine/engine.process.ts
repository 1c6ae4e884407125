import { CallbackReceiver } from './callback-receiver.js';
import type { FromEngine, ToEngine } from './engine-process.js';
import { runLoad } from './engine.js';

/** The load generator as a process of its own: opens its receiver, says where, and waits to be told what to send. */
let receiver: CallbackReceiver | null = null;

function tell(message: FromEngine): void {
  process.send?.(message);
}

async function obey(message: ToEngine): Promise<void> {
  if (message.kind === 'open') {
    receiver = await CallbackReceiver.open(message.receiver);
    tell({ kind: 'listening', receiverUrl: receiver.urlOf(0).replace(/0$/, '') });
    return;
  }
  const onProgress = (progress: object) => tell({ kind: 'progress', progress } as FromEngine);
  const result = await runLoad(message.plan, receiver, onProgress, new AbortController().signal);
  tell({ kind: 'result', result });
}

process.on('message', (message: ToEngine) => {
  obey(message).catch((error: unknown) =>
    tell({ kind: 'failed', why: error instanceof Error ? error.message : String(error) }),
  );
});
// The service has ended, and nobody is left to make a load for.
process.on('disconnect', () => process.exit());
