import { DaybookError } from '../../platform/errors.js';

/** The caller is not an operator. */
export class BoardNeedsOperator extends DaybookError {
  readonly code = 'operators-only';
  constructor() {
    super(
      'The queue board is for operators only: sign in with an API key that has the scope admin; with AUTH=open, callers on this machine are operators too',
    );
  }
}

/** The queue or the job does not exist. */
export class BoardNotFound extends DaybookError {
  readonly code = 'board-not-found';
}

/** The job, or every job of the queue, cannot be retried. */
export class NotRetriable extends DaybookError {
  readonly code = 'job-not-retriable';
}
