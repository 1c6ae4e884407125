import { DaybookError } from '../../platform/errors.js';

/** The failure that a caller of the demo receiver asked for. */
export class SimulatedFailure extends DaybookError {
  readonly code = 'simulated-failure';
  override readonly message = 'Simulated failure of the demo receiver';
}
