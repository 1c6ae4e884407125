import { DaybookError } from '../platform/errors.js';

/** Schedules of one account. */
export const MAX_SCHEDULES = 1_000;

export class ScheduleNotFound extends DaybookError {
  readonly code = 'schedule-not-found';
  override readonly message = 'Schedule not found';
}

export class TooManySchedules extends DaybookError {
  readonly code = 'too-many-schedules';
  constructor() {
    super(`The account has ${MAX_SCHEDULES.toLocaleString('en')} schedules, which is the limit. Delete one first.`);
  }
}

/** Other callers or due times kept changing the schedule. */
export class ScheduleBusy extends DaybookError {
  readonly code = 'schedule-busy';
  override readonly message = 'The schedule was changed at the same time. Try again.';
}
