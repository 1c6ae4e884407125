import { DaybookError } from '../platform/errors.js';

/** A report that cannot be generated, now or later. The caller sees the message but not the cause. */
export class ReportFailed extends DaybookError {
  readonly code = 'report-failed';
}
