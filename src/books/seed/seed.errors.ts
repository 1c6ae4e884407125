import { DaybookError } from '../../platform/errors.js';

/** Generated books do not belong among real ones. */
export class SeedingOff extends DaybookError {
  readonly code = 'seeding-off';
  override readonly message = 'Generated books are off in production (NODE_ENV)';
}
