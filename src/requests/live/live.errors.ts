import { DaybookError } from '../../platform/errors.js';

/** A caller or its account has its share of streams open. */
export class TooManyStreams extends DaybookError {
  readonly code = 'too-many-streams';
  override readonly retryAfterS = 5;
}

/** The process has as many streams as it takes. */
export class StreamsBusy extends DaybookError {
  readonly code = 'streams-busy';
  override readonly retryAfterS = 5;
}
