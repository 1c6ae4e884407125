import { type ChangeEvent, useEffect, useState } from 'react';
import { api } from '../../api/client';
import type { Search } from '../../router';
import { SelectField, TextField } from '../../ui/field';
import { CUSTOM, RANGES, fromLocalInput, rangeOf, toLocalInput } from './request-filter';

/** Pause after the last key before a text filters. */
const DEBOUNCE_MS = 350;

const STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
const STATUS_OPTIONS = [
  ['', 'Any status'],
  ...STATUSES.map((status) => [status, status[0] + status.slice(1).toLowerCase()] as const),
] as const;
const MODE_OPTIONS = [
  ['', 'Any mode'],
  ['sync', 'Sync'],
  ['async', 'Async'],
] as const;
const RANGE_OPTIONS = [
  ['', 'All time'],
  ...Object.entries(RANGES).map(([name, { label }]) => [name, label] as const),
  [CUSTOM, 'From … to …'],
] as const;

interface FilterProps {
  search: Search;
  onChange: (changed: Search) => void;
}

/** The filters of the list. They apply as they change. */
export function Filters({ search, onChange }: FilterProps) {
  const types = api.useQuery('get', '/api/report-types', {}, { staleTime: Number.POSITIVE_INFINITY });
  const names = types.data?.report_types.map(({ type }) => type) ?? [];
  const { report } = search;
  const reports = report === undefined || names.includes(report) ? names : [report, ...names];
  const range = rangeOf(search);
  const pick = (name: string) => (event: ChangeEvent<HTMLSelectElement>) =>
    onChange({ [name]: event.target.value || undefined });
  return (
    <form role="search" aria-label="Filter requests" className="pt-3" onSubmit={(event) => event.preventDefault()}>
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-[minmax(0,2fr)_repeat(5,minmax(0,1fr))]">
        <TextFilter
          label="Search"
          type="search"
          className="col-span-2 lg:col-span-1"
          placeholder="Id, report name or callback URL"
          value={search['q']}
          onCommit={(q) => onChange({ q })}
        />
        <SelectField
          label="Time"
          value={range}
          options={RANGE_OPTIONS}
          onChange={(event) => onChange(pickRange(event.target.value))}
        />
        <SelectField label="Status" value={search['status'] ?? ''} options={STATUS_OPTIONS} onChange={pick('status')} />
        <SelectField label="Mode" value={search['mode'] ?? ''} options={MODE_OPTIONS} onChange={pick('mode')} />
        <SelectField
          label="Report"
          value={report ?? ''}
          options={[['', 'Any report'], ...reports.map((name) => [name, name] as const)]}
          onChange={pick('report')}
        />
        <TextFilter
          label="Lane"
          placeholder="Any lane"
          value={search['lane']}
          onCommit={(lane) => onChange({ lane })}
        />
      </div>
      {range === CUSTOM && <OwnRange search={search} onChange={onChange} />}
    </form>
  );
}

/** A range of its own keeps its start and end, and the others have none. */
function pickRange(range: string): Search {
  if (range === CUSTOM) return { range };
  return { range: range || undefined, created_from: undefined, created_to: undefined };
}

function OwnRange({ search, onChange }: FilterProps) {
  const bounds = [
    ['created_from', 'From', 'Included, in your time zone'],
    ['created_to', 'To', 'Not included'],
  ] as const;
  return (
    <div className="mt-3 grid gap-3 sm:grid-cols-2 lg:max-w-xl">
      {bounds.map(([name, label, hint]) => (
        <TextField
          key={name}
          label={label}
          hint={hint}
          type="datetime-local"
          step={1}
          value={toLocalInput(search[name])}
          onChange={(event) => onChange({ range: CUSTOM, [name]: fromLocalInput(event.target.value) })}
        />
      ))}
    </div>
  );
}

/** A text that filters when its writer pauses, and follows the URL. */
function TextFilter({
  value = '',
  onCommit,
  ...field
}: {
  label: string;
  type?: 'search' | 'text';
  className?: string;
  placeholder: string;
  value: string | undefined;
  onCommit: (value: string | undefined) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return undefined;
    const timer = setTimeout(() => onCommit(text.trim() || undefined), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return <TextField {...field} maxLength={2_048} value={text} onChange={(event) => setText(event.target.value)} />;
}
