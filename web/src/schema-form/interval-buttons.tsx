import { Button } from '../ui/button';
import { monthBefore, monthSoFar, yearSoFar } from './interval';
import type { SchemaField, Texts } from './schema';

const CHOICES: [words: string, textsAt: (at: Date) => Texts][] = [
  ['This month', monthSoFar],
  ['Last month', monthBefore],
  ['This year', yearSoFar],
];
/** The clock of the service may be behind, and a report must not end after its now. */
const MARGIN_MS = 5_000;

/** Fills in the interval of a report that has one. */
export function IntervalButtons({ fields, onChange }: { fields: SchemaField[]; onChange: (texts: Texts) => void }) {
  if (!['from', 'to', 'timezone'].every((needed) => fields.some(({ name }) => name === needed))) return null;
  return (
    <span className="ml-auto flex flex-wrap gap-1">
      {CHOICES.map(([words, textsAt]) => (
        <Button key={words} isSmall kind="quiet" onClick={() => onChange(textsAt(new Date(Date.now() - MARGIN_MS)))}>
          {words}
        </Button>
      ))}
    </span>
  );
}
