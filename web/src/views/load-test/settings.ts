import type { components } from '../../api/schema.generated';
import type { Search } from '../../router';

export type RunBody = components['schemas']['BenchmarkRunBody'];

/** The settings as the URL and the form have them. */
export const DEFAULTS = {
  mode: 'both',
  report: 'transactions',
  rows: '50',
  iterations: '50000',
  model: 'clients',
  concurrency: '20',
  requests: '200',
  rate: '50',
  duration: '10',
  ramp: '0',
} as const;
export type Field = keyof typeof DEFAULTS;
export type Fields = Record<Field, string>;

/** @returns The settings of the URL, with defaults for those it does not name. */
export function fieldsOf(search: Search): Fields {
  const names = Object.keys(DEFAULTS) as Field[];
  return Object.fromEntries(names.map((name) => [name, search[name] ?? DEFAULTS[name]])) as Fields;
}

/** @returns The body of `POST /api/benchmark/runs`. The API checks the limits and says what is wrong. */
export function bodyOf(fields: Fields): RunBody {
  const number = (name: Field): number => Number(fields[name]);
  const work = fields.report === 'digest' ? { iterations: number('iterations') } : { num_transactions: number('rows') };
  const load =
    fields.model === 'rate'
      ? { rate: number('rate'), duration_seconds: number('duration'), ramp_seconds: number('ramp') }
      : { concurrency: number('concurrency'), num_requests: number('requests') };
  return {
    mode: fields.mode as NonNullable<RunBody['mode']>,
    report: fields.report as NonNullable<RunBody['report']>,
    ...work,
    ...load,
  };
}
