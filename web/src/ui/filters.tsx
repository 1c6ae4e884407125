import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Button } from './button';
import { CheckField, SelectField, TextField } from './field';
import { useSearchState } from './search';

/** Time without typing after which a text is searched for. */
const TYPING_MS = 300;

/** A change of a filter starts at the first page. */
const FIRST_PAGE = { cursor: undefined };

/**
 * The filters of a list. Their values are in the URL, under the names of the API's parameters.
 * @param names The parameters that "Clear filters" removes.
 */
export function Filters({ label, names, children }: { label: string; names: string[]; children: ReactNode }) {
  const [search, change] = useSearchState();
  const isFiltered = names.some((name) => search[name] !== undefined);
  const cleared = Object.fromEntries(names.map((name) => [name, undefined]));
  return (
    <search aria-label={label} className="flex flex-wrap items-end gap-3 border-t px-4 py-3 sm:px-5">
      {children}
      {isFiltered && (
        <Button kind="quiet" onClick={() => change({ ...cleared, ...FIRST_PAGE })}>
          Clear filters
        </Button>
      )}
    </search>
  );
}

interface Bound {
  label: string;
  /** The parameter in the URL. */
  name: string;
  className?: string;
}

/** A text that is searched for while it is typed. */
export function TextFilter({
  label,
  name,
  className = 'w-full sm:w-56',
  placeholder,
}: Bound & { placeholder?: string }) {
  const [search, change] = useSearchState();
  const value = search[name] ?? '';
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The URL can change without this field, such as with the browser's Back.
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  function type(typed: string): void {
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change({ [name]: typed.trim(), ...FIRST_PAGE }, true), TYPING_MS);
  }
  return (
    <TextField
      type="search"
      {...{ label, className, placeholder }}
      value={text}
      onChange={(event) => type(event.target.value)}
    />
  );
}

/** One of a few values; the empty one is no filter. */
export function SelectFilter({
  label,
  name,
  className = 'min-w-32 grow sm:grow-0',
  options,
  all = 'All',
}: Bound & { options: readonly (string | readonly [value: string, label: string])[]; all?: string }) {
  const [search, change] = useSearchState();
  return (
    <SelectField
      {...{ label, className }}
      options={[['', all], ...options]}
      value={search[name] ?? ''}
      onChange={(event) => change({ [name]: event.target.value, ...FIRST_PAGE })}
    />
  );
}

/** An instant, entered in the reader's zone and kept in UTC. */
export function TimeFilter({ label, name, className = 'w-full sm:w-52' }: Bound) {
  const [search, change] = useSearchState();
  return (
    <TextField
      type="datetime-local"
      {...{ label, className }}
      value={localTime(search[name])}
      onChange={(event) => change({ [name]: instant(event.target.value), ...FIRST_PAGE }, true)}
    />
  );
}

/** A switch whose parameter is `true` or absent. */
export function CheckFilter({ label, name, className = 'min-h-9 items-center' }: Bound) {
  const [search, change] = useSearchState();
  return (
    <CheckField
      {...{ label, className }}
      checked={search[name] === 'true'}
      onChange={(event) => change({ [name]: event.target.checked ? 'true' : undefined, ...FIRST_PAGE })}
    />
  );
}

/** @returns The value of a `datetime-local` field for an instant: its minute in the reader's zone. */
export function localTime(at: string | undefined): string {
  const date = new Date(at ?? '');
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @returns The instant of a `datetime-local` field, undefined if it is empty. */
export function instant(local: string): string | undefined {
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A text field that suggests values, or values with their labels. */
export function SuggestField({
  suggestions,
  ...field
}: Parameters<typeof TextField>[0] & { suggestions: readonly (string | readonly [value: string, label: string])[] }) {
  const id = useId();
  return (
    <>
      <TextField {...field} list={id} />
      <datalist id={id}>
        {suggestions.map((suggestion) => {
          const [value, label] = typeof suggestion === 'string' ? [suggestion] : suggestion;
          return <option key={value} value={value} label={label} />;
        })}
      </datalist>
    </>
  );
}

/** @returns The props of a `Pager` whose cursor is in the URL. */
export function usePager(nextCursor: string | null | undefined) {
  const [{ cursor }, change] = useSearchState();
  return {
    hasPrevious: cursor !== undefined,
    nextCursor,
    onFirst: () => change(FIRST_PAGE),
    onNext: (next: string) => change({ cursor: next }),
  };
}
