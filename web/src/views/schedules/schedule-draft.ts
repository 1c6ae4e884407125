import type { components } from '../../api/schema.generated';
import { readerZone } from '../../schema-form/interval';
import { type SchemaField, type Texts, fieldsOf, payloadOf } from '../../schema-form/schema';
import { type ReportType, compresses } from '../generate/draft';
import { FREQUENCIES, PERIODS, type Schedule, WEEKDAYS } from './recurrence';

export type ScheduleBody = components['schemas']['CreateScheduleBody'];

/** The form of a new schedule, as texts. */
export interface ScheduleDraft {
  name: string;
  report: string;
  period: string;
  every: Schedule['every'];
  /** A weekday, a day of the month or `last`; not used with `day`. */
  on: string;
  at: string;
  timezone: string;
  lane: string;
  callback: string;
  format: string;
  compress: string;
  texts: Texts;
}

/** Parameters that the schedule fills in for a report over an interval. */
const FROM_SCHEDULE = ['from', 'to', 'timezone'];
const FIRST = 'trial-balance';

export const firstDraft = (types: ReportType[]): ScheduleDraft => ({
  name: '',
  report: (types.find(({ type }) => type === FIRST) ?? types[0])?.type ?? '',
  period: PERIODS[2][0],
  every: 'month',
  on: '1',
  at: '06:00',
  timezone: readerZone(),
  lane: '',
  callback: '',
  format: '',
  compress: '',
  texts: {},
});

/** @returns The frequency of a text, and a day that suits it. */
export function frequencyOf(text: string): Pick<ScheduleDraft, 'every' | 'on'> {
  const every = FREQUENCIES.find((name) => name === text) ?? 'month';
  return { every, on: every === 'week' ? WEEKDAYS[0] : '1' };
}

/** Whether the reports of a type cover an interval, which the period of a schedule decides. */
export function hasInterval(type: ReportType | undefined): boolean {
  const names = fieldsOf(type?.params ?? {}).map(({ name }) => name);
  return names.includes('from') && names.includes('to');
}

/** @returns The parameters that are left to the caller. */
export function ownFields(type: ReportType | undefined): SchemaField[] {
  const fields = fieldsOf(type?.params ?? {});
  return hasInterval(type) ? fields.filter(({ name }) => !FROM_SCHEDULE.includes(name)) : fields;
}

/** @returns The body of `POST /api/schedules`. */
export function bodyOf(draft: ScheduleDraft, type: ReportType | undefined): ScheduleBody {
  const { name, report, period, every, on, at, timezone, format, compress } = draft;
  const [lane, callback] = [draft.lane.trim(), draft.callback.trim()];
  const covered = PERIODS.find(([known]) => known === period)?.[0];
  return {
    name: name.trim(),
    report,
    payload: payloadOf(ownFields(type), draft.texts),
    ...(hasInterval(type) && covered !== undefined && { period: covered }),
    every,
    ...(every !== 'day' && { on: onOf(on) }),
    at,
    timezone: timezone.trim(),
    ...(lane !== '' && { lane }),
    callback_url: callback === '' ? null : callback,
    ...(format !== '' && { format }),
    ...(compress === 'gzip' && compresses(type) && { compress }),
  };
}

function onOf(text: string): NonNullable<ScheduleBody['on']> {
  return [...WEEKDAYS, 'last' as const].find((name) => name === text) ?? Number(text);
}
