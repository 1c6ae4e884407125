import { Button } from '../ui/button';
import { type IntervalTexts, monthBefore, monthSoFar, yearSoFar } from './interval';
import type { SchemaField } from './schema';

const CHOICES: [words: string, textsAt: (at: Date) => IntervalTexts][] = [
  ['This month', monthSoFar],
  ['Last month', monthBefore],
  ['This year', yearSoFar],
];
/** The clock of the service may be behind, and a report must not end after its now. */
const MARGIN_MS = 5_000;

/** Whether a report has an interval with a time zone. */
export const takesInterval = (fields: SchemaField[]): boolean =>
  ['from', 'to', 'timezone'].every((needed) => fields.some(({ name }) => name === needed));

/** Fills in the interval of a report. */
export function IntervalButtons({ onChange }: { onChange: (texts: IntervalTexts) => void }) {
  return (
    <span className="flex flex-wrap gap-1">
      {CHOICES.map(([words, textsAt]) => (
        <Button key={words} isSmall kind="quiet" onClick={() => onChange(textsAt(new Date(Date.now() - MARGIN_MS)))}>
          {words}
        </Button>
      ))}
    </span>
  );
}
