const LATE = Symbol('late');

/**
 * Settles as the promise does if that settles within `ms`; otherwise resolves with the result of `late`, which throws by
 * default. A promise that settles in the same turn as the timer still counts: a delayed event loop runs its timers before
 * it reads its sockets, and would blame the peer for its own delay.
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
