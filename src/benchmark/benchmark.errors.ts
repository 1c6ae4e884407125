import { DaybookError } from '../platform/errors.js';

/** Another load test is running. Two at once would measure each other. */
export class BenchmarkBusy extends DaybookError {
  readonly code = 'benchmark-busy';
  override readonly message = 'Another benchmark is running. Wait for it, or cancel it.';
}

export class BenchmarkRunNotFound extends DaybookError {
  readonly code = 'not-found';
  override readonly message = 'Benchmark run not found';
}

/** The run to cancel has already ended. */
export class BenchmarkRunEnded extends DaybookError {
  readonly code = 'benchmark-ended';
  constructor(status: string) {
    super(`The benchmark run is ${status}; only a running one can be cancelled.`);
  }
}

/** The run was cancelled while the caller waited for its result. */
export class BenchmarkCancelled extends DaybookError {
  readonly code = 'benchmark-cancelled';
  override readonly message = 'The benchmark was cancelled.';
}

/** The load generator failed. */
export class BenchmarkFailed extends DaybookError {
  readonly code = 'benchmark-failed';
  constructor(why: string) {
    super(`The benchmark failed: ${why}`);
  }
}
