import { useId } from 'react';
import { Button } from '../ui/button';
import { classes } from '../ui/classes';
import { moved, pickedOf, textOfPicked, toggled } from './picked';

/** Picks and orders known values, such as the columns of a file. Folded, since all of them is the usual choice. */
export function PickField({
  label,
  hint,
  error,
  choices,
  text,
  onChange,
}: {
  label: string;
  hint: string | undefined;
  error: string | null;
  choices: readonly string[];
  text: string;
  onChange: (text: string) => void;
}) {
  const id = useId();
  const picked = pickedOf(text, choices);
  const set = (values: readonly string[]): void => onChange(textOfPicked(values, choices));
  const rest = choices.filter((value) => !picked.includes(value));
  const count = rest.length === 0 && text === '' ? `all ${choices.length}` : `${picked.length} of ${choices.length}`;
  return (
    <div role="group" aria-labelledby={id} aria-describedby={`${id}-text`}>
      <p id={id} className="mb-1 text-sm font-medium">
        {label}
      </p>
      <details className={classes('rounded-control border', error ? 'border-bad' : 'border-line-strong')}>
        <summary className="min-h-9 cursor-pointer px-3 py-1.5">{count}</summary>
        <ol className="border-t py-1">
          {[...picked, ...rest].map((value) => (
            <Row key={value} value={value} picked={picked} onChange={set} />
          ))}
        </ol>
      </details>
      <p id={`${id}-text`} className={classes('mt-1 text-sm', error ? 'text-bad' : 'text-muted')}>
        {error ?? hint}
      </p>
    </div>
  );
}

function Row({
  value,
  picked,
  onChange,
}: {
  value: string;
  picked: readonly string[];
  onChange: (values: string[]) => void;
}) {
  const place = picked.indexOf(value);
  return (
    <li className="flex items-center justify-between gap-2 px-3">
      <label className="flex min-h-8 min-w-0 items-center gap-2.5">
        <input
          type="checkbox"
          className="size-4 accent-accent"
          checked={place !== -1}
          disabled={place !== -1 && picked.length === 1}
          onChange={() => onChange(toggled(picked, value))}
        />
        <span className="truncate font-mono text-[0.8125rem]">{value}</span>
      </label>
      {place !== -1 && (
        <span className="flex">
          <Button
            isSmall
            kind="quiet"
            aria-label={`Move ${value} up`}
            disabled={place === 0}
            onClick={() => onChange(moved(picked, value, -1))}
          >
            ↑
          </Button>
          <Button
            isSmall
            kind="quiet"
            aria-label={`Move ${value} down`}
            disabled={place === picked.length - 1}
            onClick={() => onChange(moved(picked, value, 1))}
          >
            ↓
          </Button>
        </span>
      )}
    </li>
  );
}
