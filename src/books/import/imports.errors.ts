import { DaybookError, LimitReached } from '../../platform/errors.js';

export class ImportNotFound extends DaybookError {
  readonly code = 'import-not-found';
  override readonly message = 'Import not found';
}

/** The account or the process runs as many imports as it may. Nothing was imported. */
export class ImportsBusy extends LimitReached {
  readonly code = 'imports-busy';
  override readonly retryAfterS = 5;
  /** @param of Names whose imports they are. */
  constructor(limit: number, of: 'account' | 'process') {
    super(`${limit} imports of this ${of} are running. Nothing was imported; try again when one has ended.`);
  }
}

const REASONS = {
  dropped: 'The connection was closed',
  stalled: 'The file stopped arriving',
  stopped: 'The service is stopping, or was silent for too long',
};

/** An import ended before its file did. Its whole batches stay; the file can be sent again. */
export class ImportInterrupted extends DaybookError {
  readonly code: string;
  override readonly hadEffect = true;
  constructor(reason: keyof typeof REASONS) {
    super(`${REASONS[reason]}. Whole batches were imported; send the file again for the rest.`);
    this.code = `import-${reason}`;
  }
}
