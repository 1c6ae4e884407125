import { DaybookError } from '../platform/errors.js';

/** Another load test is under way: two would measure each other. */
export class BenchmarkBusy extends DaybookError {
  readonly code = 'benchmark-busy';
  constructor() {
    super('Another benchmark is running. Wait for it, or cancel it.');
  }
}

export class BenchmarkRunNotFound extends DaybookError {
  readonly code = 'not-found';
  constructor() {
    super('Benchmark run not found');
  }
}

/** It has ended, so there is nothing to cancel. */
export class BenchmarkRunEnded extends DaybookError {
  readonly code = 'benchmark-ended';
  constructor(status: string) {
    super(`The benchmark run is ${status}; only a running one can be cancelled.`);
  }
}

/** The run that a caller waits for was cancelled by another. */
export class BenchmarkCancelled extends DaybookError {
  readonly code = 'benchmark-cancelled';
  constructor() {
    super('The benchmark was cancelled.');
  }
}

/** The load could not be made: the generator's process broke down. */
export class BenchmarkFailed extends DaybookError {
  readonly code = 'benchmark-failed';
  constructor(why: string) {
    super(`The benchmark failed: ${why}`);
  }
}
