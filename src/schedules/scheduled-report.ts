import type { z } from 'zod';
import { InvalidInput, type Issue } from '../http/validation.js';
import { issueMessage } from '../http/validation.js';
import { catalogue } from '../reports/catalogue.js';
import type { ReportDefinition } from '../reports/define-report.js';
import { type ReportRequest, reportRequest } from '../reports/report-request.schema.js';
import { intervalOf } from './period.js';
import type { ScheduleFields } from './schedule.schema.js';

type Catalogue = ReadonlyMap<string, ReportDefinition>;

/** The part of a schedule that its reports depend on. */
export type ScheduledReport = Pick<
  ScheduleFields,
  'report' | 'payload' | 'period' | 'timezone' | 'lane' | 'callback_url' | 'format' | 'compress'
>;

/** Parameters of a report that its schedule fills in. */
const INTERVAL = ['from', 'to'] as const;

/** Turns schedules into the requests of their reports. */
export class ScheduledReports {
  private readonly body: z.ZodType<ReportRequest>;

  constructor(private readonly reports: Catalogue = catalogue) {
    this.body = reportRequest('async', reports);
  }

  /**
   * Returns the request of a run, validated as one of `POST /api/async`.
   * @param at The due time, which decides the interval.
   * @throws InvalidInput with the paths of the schedule's own fields
   */
  requestOf(schedule: ScheduledReport, at: Date): ReportRequest {
    const { report, lane, callback_url, format, compress } = schedule;
    const parameters = this.reports.get(report)?.params.shape ?? {};
    const issues = issuesOf(schedule, parameters);
    const body = {
      report,
      payload: payloadOf(schedule, parameters, at),
      lane,
      callback_url,
      ...(format !== null && { format }),
      ...(compress !== null && { compress }),
    };
    const { data, error } = this.body.safeParse(body);
    if (data && issues.length === 0) return data;
    const refused = error?.issues.map(({ path, message }) => ({
      path: path.map(String).join('.'),
      message: issueMessage(message),
    }));
    throw new InvalidInput('body', [...issues, ...(refused ?? [])]);
  }
}

const hasInterval = (parameters: object): boolean => INTERVAL.every((name) => name in parameters);

/** The issues of parameters that the caller left to the schedule, or did not. */
function issuesOf({ payload, period, timezone }: ScheduledReport, parameters: object): Issue[] {
  if (!hasInterval(parameters)) return [];
  const given = INTERVAL.filter((name) => Object.hasOwn(payload, name));
  const issues = given.map((name) => ({ path: `payload.${name}`, message: 'comes from period; leave it out' }));
  if (period === null) issues.push({ path: 'period', message: 'is required for this report' });
  if ('timezone' in payload && payload.timezone !== timezone)
    issues.push({ path: 'payload.timezone', message: 'is the timezone of the schedule; leave it out' });
  return issues;
}

function payloadOf({ payload, period, timezone }: ScheduledReport, parameters: object, at: Date): object {
  if (!hasInterval(parameters)) return payload;
  // Without a period the schedule is not valid anyway; any interval shows the issues of the other parameters.
  const interval = intervalOf(period ?? 'previous_day', at, timezone);
  return { ...payload, ...interval, ...('timezone' in parameters && { timezone }) };
}
