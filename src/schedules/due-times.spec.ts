import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  FREQUENCIES,
  type Recurrence,
  WEEKDAYS,
  type Weekday,
  dueTimesAfter,
  dueTimesUpTo,
  nextDueTime,
  skipped,
} from './due-times.js';

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

const every = (more: Partial<Recurrence>): Recurrence => ({
  every: 'day',
  on: null,
  at: '06:00',
  timezone: 'UTC',
  ...more,
});

function take(times: Iterable<Date>, count: number): string[] {
  const taken: string[] = [];
  for (const time of times) if (taken.push(time.toISOString().slice(0, 16)) === count) break;
  return taken;
}
const after = (recurrence: Recurrence, time: string, count: number): string[] =>
  take(dueTimesAfter(recurrence, new Date(time)), count);

describe('due times', () => {
  it('recur on a day of the week', () => {
    const due = after(every({ every: 'week', on: 'sunday' }), '2026-03-01T06:00:00Z', 3);
    expect(due).toEqual(['2026-03-08T06:00', '2026-03-15T06:00', '2026-03-22T06:00']);
  });

  it('are after the given instant, to the millisecond', () => {
    expect(after(every({}), '2026-03-01T05:59:59.999Z', 1)).toEqual(['2026-03-01T06:00']);
    expect(after(every({}), '2026-03-01T06:00:00.000Z', 1)).toEqual(['2026-03-02T06:00']);
  });

  it.each([
    [31, ['2024-01-31T06:00', '2024-02-29T06:00', '2024-03-31T06:00', '2024-04-30T06:00']],
    ['last' as const, ['2024-01-31T06:00', '2024-02-29T06:00', '2024-03-31T06:00', '2024-04-30T06:00']],
    [30, ['2024-01-30T06:00', '2024-02-29T06:00', '2024-03-30T06:00', '2024-04-30T06:00']],
    [1, ['2024-01-01T06:00', '2024-02-01T06:00', '2024-03-01T06:00', '2024-04-01T06:00']],
  ])('on day %s of a month are on its last day if it is shorter', (on, due) => {
    expect(after(every({ every: 'month', on }), '2023-12-31T12:00:00Z', 4)).toEqual(due);
  });

  it('keep their local time when clocks change', () => {
    const zurich = every({ timezone: 'Europe/Zurich' });
    expect(after(zurich, '2026-03-28T00:00:00Z', 2)).toEqual(['2026-03-28T05:00', '2026-03-29T04:00']);
    expect(after(zurich, '2026-10-24T00:00:00Z', 2)).toEqual(['2026-10-24T04:00', '2026-10-25T05:00']);
  });

  it('that clocks skip are right after the gap', () => {
    // 02:00 to 03:00 does not exist on March 29.
    const zurich = every({ timezone: 'Europe/Zurich', at: '02:30' });
    expect(after(zurich, '2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:00', '2026-03-30T00:30']);
    // 02:00 to 02:30 does not exist on October 4.
    const lordHowe = every({ timezone: 'Australia/Lord_Howe', at: '02:15' });
    expect(after(lordHowe, '2026-10-03T00:00:00Z', 1)).toEqual(['2026-10-03T15:30']);
    // Midnight does not exist on September 6.
    const santiago = every({ timezone: 'America/Santiago', at: '00:00' });
    expect(after(santiago, '2026-09-05T12:00:00Z', 1)).toEqual(['2026-09-06T04:00']);
  });

  it('that occur twice are due once, the first time', () => {
    const zurich = every({ timezone: 'Europe/Zurich', at: '02:30' });
    expect(after(zurich, '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
    // Between the two occurrences too.
    expect(after(zurich, '2026-10-25T00:45:00Z', 1)).toEqual(['2026-10-26T01:30']);
  });

  it('of a day that a zone skips are due once', () => {
    // Samoa had no December 30 in 2011.
    const apia = every({ timezone: 'Pacific/Apia', at: '00:00' });
    expect(after(apia, '2011-12-29T00:00:00Z', 3)).toEqual([
      '2011-12-29T10:00',
      '2011-12-30T10:00',
      '2011-12-31T10:00',
    ]);
  });
});

/** The local date and time at an instant, by another implementation than the code's. */
const formats = new Map<string, Intl.DateTimeFormat>();
function wallClock(timezone: string, ms: number): string {
  let format = formats.get(timezone);
  if (!format) {
    const digits = '2-digit' as const;
    const parts = { year: 'numeric', month: digits, day: digits, hour: digits, minute: digits } as const;
    // Sweden writes ISO 8601.
    format = new Intl.DateTimeFormat('sv-SE', { ...parts, timeZone: timezone });
    formats.set(timezone, format);
  }
  return format.format(ms);
}

/** The first minute at which the local clock shows a date and time or a later one. */
function firstMinuteAt(timezone: string, date: string, at: string): number {
  const target = `${date} ${at}`;
  // No zone is further from UTC. Clocks are turned back by less than six hours, so hours before the last earlier one count too.
  let ms = Date.parse(`${date}T${at}Z`) - 27 * 3_600_000;
  const endMs = ms + 54 * 3_600_000;
  for (let next = ms + 6 * 3_600_000; next < endMs && wallClock(timezone, next) < target; next += 6 * 3_600_000)
    ms = next;
  while (wallClock(timezone, ms) < target) ms += MINUTE_MS;
  return ms;
}

/** Whether a UTC date is the day of a recurrence. */
function isDay({ every: frequency, on }: Recurrence, date: Date): boolean {
  if (frequency === 'day') return true;
  if (frequency === 'week') return WEEKDAYS[(date.getUTCDay() + 6) % 7] === on;
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.getUTCDate() === Math.min(on === 'last' ? 31 : Number(on), lastDay);
}

/** The first due times after an instant: every day is looked at, and every minute of a day. */
function expected(recurrence: Recurrence, afterMs: number, count: number): string[] {
  const found = new Set<number>();
  for (let dayMs = Math.floor(afterMs / DAY_MS - 3) * DAY_MS; ; dayMs += DAY_MS) {
    const date = new Date(dayMs);
    if (!isDay(recurrence, date)) continue;
    const ms = firstMinuteAt(recurrence.timezone, date.toISOString().slice(0, 10), recurrence.at);
    if (ms > afterMs) found.add(ms);
    if (found.size === count) return [...found].map((due) => new Date(due).toISOString().slice(0, 16));
  }
}

const ZONES = Intl.supportedValuesOf('timeZone');
const two = (number: number): string => String(number).padStart(2, '0');

/** Local times around the hours at which clocks change. */
const localTime = fc.oneof(
  fc.record({ hour: fc.constantFrom(23, 0, 1, 2, 3), minute: fc.constantFrom(0, 1, 15, 29, 30, 45, 59) }),
  fc.record({ hour: fc.nat(23), minute: fc.nat(59) }),
);
const recurrences: fc.Arbitrary<Recurrence> = fc
  .record({
    frequency: fc.constantFrom(...FREQUENCIES),
    weekday: fc.constantFrom<Weekday>(...WEEKDAYS),
    day: fc.oneof(fc.constant('last' as const), fc.integer({ min: 1, max: 31 })),
    at: localTime,
    timezone: fc.constantFrom(...ZONES),
  })
  .map(({ frequency, weekday, day, at, timezone }) => ({
    every: frequency,
    on: { day: null, week: weekday, month: day }[frequency],
    at: `${two(at.hour)}:${two(at.minute)}`,
    timezone,
  }));
const instants = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2037, 11) });

/** Instants at which a zone changes its clocks, to the day. */
const changes = fc
  .record({ timezone: fc.constantFrom(...ZONES), year: fc.integer({ min: 1990, max: 2036 }) })
  .chain(({ timezone, year }) => {
    const offset = (ms: number): number => Date.parse(`${wallClock(timezone, ms).replace(' ', 'T')}Z`) - ms;
    const days = Array.from({ length: 366 }, (_, day) => Date.UTC(year, 0, 1) + day * DAY_MS);
    const found = days.filter((ms) => offset(ms) !== offset(ms + DAY_MS));
    return fc.record({
      timezone: fc.constant(timezone),
      ms: fc.constantFrom(...(found.length > 0 ? found : [days[0]!])),
      before: fc.integer({ min: 0, max: 2 * DAY_MS }),
    });
  });

describe('due times in every zone', () => {
  it('are those that a clock on the wall shows', () => {
    fc.assert(
      fc.property(recurrences, instants, (recurrence, ms) => {
        expect(after(recurrence, new Date(ms).toISOString(), 2)).toEqual(expected(recurrence, ms, 2));
      }),
      { numRuns: 300 },
    );
  });

  it('are those that a clock on the wall shows, also on the days on which it is changed', () => {
    fc.assert(
      fc.property(changes, localTime, ({ timezone, ms, before }, { hour, minute }) => {
        const daily = every({ timezone, at: `${two(hour)}:${two(minute)}` });
        const from = ms - before;
        expect(after(daily, new Date(from).toISOString(), 4)).toEqual(expected(daily, from, 4));
      }),
      { numRuns: 400 },
    );
  });

  it('are the same backwards', () => {
    fc.assert(
      fc.property(recurrences, instants, (recurrence, ms) => {
        const forwards = after(recurrence, new Date(ms).toISOString(), 8);
        const until = new Date(`${forwards.at(-1)}:00.000Z`);
        expect(take(dueTimesUpTo(recurrence, until), 8)).toEqual(forwards.toReversed());
      }),
      { numRuns: 200 },
    );
  });
});

describe('missed due times', () => {
  const now = new Date('2026-06-30T12:00:00Z');

  it.each([1, 30, 31])('are all caught up if they are %d', (count) => {
    const first = new Date(Date.parse('2026-06-30T06:00:00Z') - (count - 1) * DAY_MS);
    expect(skipped(every({}), first, now, 31)).toBeNull();
  });

  it('are skipped but for the newest, which are caught up', () => {
    const last = new Date('2026-05-30T06:00:00Z');
    const next = new Date('2026-05-31T06:00:00Z');
    expect(skipped(every({}), last, now, 31)).toEqual({ last, next });
    expect(skipped(every({}), new Date('1996-05-30T06:00:00Z'), now, 31)).toEqual({ last, next });
  });

  it('leave exactly as many as may be caught up, with every recurrence', () => {
    fc.assert(
      fc.property(recurrences, instants, fc.integer({ min: 32, max: 50 }), (recurrence, ms, missed) => {
        const due = after(recurrence, new Date(ms).toISOString(), missed).map((time) => new Date(`${time}:00Z`));
        const old = skipped(recurrence, due[0]!, due.at(-1)!, 31);
        expect(old).toEqual({ last: due[missed - 32], next: due[missed - 31] });
        expect(nextDueTime(recurrence, old!.last)).toEqual(old!.next);
      }),
      { numRuns: 100 },
    );
  });
});
