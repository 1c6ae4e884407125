const LATE = Symbol('late');

/**
 * What the promise gives, or rejects with, when it does so in time; else what `late` gives or throws, which is by default
 * that there was no answer. What has come by then counts: an event loop that was held up runs its timers before it reads
 * its sockets, and would blame the peer for it.
 */
export async function withTimeout<T, Late = never>(
  promise: Promise<T>,
  ms: number,
  late: () => Late = () => {
    throw new Error(`no answer within ${ms} ms`);
  },
): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve, LATE), ms);
  });
  try {
    const first = await Promise.race([promise, passed]);
    return first === LATE ? late() : first;
  } finally {
    clearTimeout(timer);
  }
}
