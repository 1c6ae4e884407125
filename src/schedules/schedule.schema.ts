import { z } from 'zod';
import { atLeastOne } from '../http/fields/at-least-one.js';
import { label } from '../http/fields/label.js';
import { pageFields, pageLimit } from '../http/fields/page-query.js';
import { urlName } from '../http/fields/url-name.js';
import { timeZone } from '../reports/query/interval.js';
import { REQUEST_STATUSES } from '../requests/request.entity.js';
import { FREQUENCIES, WEEKDAYS } from './due-times.js';
import { PERIODS } from './period.js';

const fields = {
  name: label(200),
  report: z.string().min(1).max(100).describe('Report type'),
  payload: z
    .record(z.string(), z.unknown())
    .describe('Parameters of the report. `from`, `to` and `timezone` come from the schedule'),
  period: z
    .enum(PERIODS)
    .nullable()
    .describe(
      'Interval of a report with `from` and `to`, seen from the due time in `timezone`. Weeks begin on Monday; ' +
        '`month_to_date` ends at the due time. Other reports ignore it',
    ),
  every: z.enum(FREQUENCIES),
  on: z
    .union([z.enum([...WEEKDAYS, 'last']), z.int().min(1).max(31)])
    .nullable()
    .describe(
      'With `week` a weekday (also 1 for Monday to 7), by default `monday`. With `month` a day from 1 to 31 or `last`, by ' +
        'default 1; a month without that day has its last day. Not with `day`',
    ),
  at: z
    .string()
    .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a local time from 00:00 to 23:59')
    .describe('Local time. One that a change of the clock skips is due right after it; one that occurs twice, once'),
  timezone: timeZone.describe('Time zone of the IANA database'),
  lane: urlName,
  callback_url: z
    .string({ error: ({ input }) => (input === undefined ? 'is required; give null to poll instead' : undefined) })
    .max(2_048)
    .nullable()
    .describe('URL of the callbacks; null for none'),
  format: z.string().min(1).max(20).nullable().describe('File format; null for the default of the report type'),
  compress: z.enum(['gzip']).nullable().describe('Compression of the file; null for none'),
  is_active: z.boolean().describe('Whether it runs by itself'),
};

const EXAMPLE = {
  name: 'Monthly ledger',
  report: 'orders-ledger',
  payload: { currency: 'CHF' },
  period: 'previous_month',
  every: 'month',
  on: 1,
  at: '06:00',
  timezone: 'Europe/Zurich',
  callback_url: null,
};

export const createScheduleBody = z
  .strictObject({
    ...fields,
    payload: fields.payload.default({}),
    period: fields.period.default(null),
    on: fields.on.default(null),
    timezone: fields.timezone.default('UTC'),
    lane: fields.lane.default('default').describe('The lane of its requests'),
    format: fields.format.default(null),
    compress: fields.compress.default(null),
    is_active: fields.is_active.default(true),
  })
  .meta({ id: 'CreateScheduleBody', example: EXAMPLE });
/** A schedule as its caller defines it. */
export type ScheduleFields = z.infer<typeof createScheduleBody>;

export const changeScheduleBody = atLeastOne(z.strictObject(fields).partial()).meta({
  id: 'ChangeScheduleBody',
  example: { is_active: false },
});
export type ChangeScheduleBody = z.infer<typeof changeScheduleBody>;

export const schedulesQuery = z.strictObject({ ...pageFields('Schedules') });
export type SchedulesQuery = z.infer<typeof schedulesQuery>;

export const runsQuery = z.strictObject({
  limit: pageLimit('Runs'),
  cursor: z.coerce
    .number()
    .pipe(z.int().min(1))
    .optional()
    .describe('`next_cursor` of the previous page: the number of its last run'),
});
export type RunsQuery = z.infer<typeof runsQuery>;

const time = z.iso.datetime();

export const RUN_STATUSES = [...REQUEST_STATUSES, 'DELETED', 'REFUSED', 'SKIPPED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const scheduleRun = z
  .object({
    number: z.int().describe('1 for the first run of its schedule'),
    trigger: z.enum(['schedule', 'caller']),
    due_at: time.describe('The time for which it ran; of a run that a caller asked for, when it was accepted'),
    request_id: z.uuid().nullable().describe('Its request; null if none was accepted'),
    status: z
      .enum(RUN_STATUSES)
      .describe(
        'Of its request; `DELETED` if that exists no more. `REFUSED`: the schedule is not valid any more, see `error`. ' +
          '`SKIPPED`: this due time and older ones, because more than 31 were missed',
      ),
    error: z.string().nullable().describe('Why it failed'),
    created_at: time,
  })
  .meta({ id: 'ScheduleRun' });

export const scheduleView = z
  .object({
    id: z.uuid(),
    ...fields,
    next_runs: z.array(time).max(5).describe('The next five due times; none while it is not active'),
    last_run: scheduleRun.nullable().describe('The newest run; null if there is none, or it is past the retention'),
    delayed: z
      .object({ due_at: time, error: z.string() })
      .nullable()
      .describe('A due time that could not be accepted yet, and why. It is tried again'),
    skipped_until: time.nullable().describe('The newest due time that was skipped, because more than 31 were missed'),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Schedule' });
/** The answer to callers without `reports:read`. */
export const changedSchedule = scheduleView
  .partial()
  .required({ id: true, updated_at: true })
  .meta({ id: 'ChangedSchedule' });

export const schedulePage = z
  .object({ schedules: z.array(scheduleView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'SchedulePage' });
export const runPage = z
  .object({ runs: z.array(scheduleRun), next_cursor: z.int().nullable() })
  .meta({ id: 'ScheduleRunPage' });
export const deletedSchedule = z.object({ deleted: z.literal(true), id: z.uuid() }).meta({ id: 'DeletedSchedule' });
