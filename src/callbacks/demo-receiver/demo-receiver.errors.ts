import { DaybookError } from '../../platform/errors.js';

/** The answer that a caller of the demo receiver asked for; nothing has gone wrong. */
export class SimulatedFailure extends DaybookError {
  readonly code = 'simulated-failure';
  override readonly message = 'Simulated failure of the demo receiver';
}
