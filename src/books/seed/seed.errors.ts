import { DaybookError } from '../../platform/errors.js';

/** Generated books do not belong among real ones. */
export class SeedingOff extends DaybookError {
  readonly code = 'seeding-off';
  constructor() {
    super('Generated books are off in production (NODE_ENV)');
  }
}
