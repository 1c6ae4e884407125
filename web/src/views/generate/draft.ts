import type { components } from '../../api/schema.generated';
import type { Search } from '../../router';
import { instantNow, monthSoFar } from '../../schema-form/interval';
import { type Texts, fieldsOf, payloadOf } from '../../schema-form/schema';

export type ReportType = components['schemas']['ReportType'];

/** The form of a report, as texts. */
export interface Draft {
  report: string;
  format: string;
  /** Empty for none. */
  compress: string;
  lane: string;
  callback: string;
  texts: Texts;
}

/** Parameters to begin with, by report type: some that take a moment, so that waiting shows, and some that do not. */
export const EXAMPLES: Record<string, { long: Texts; short: Texts }> = {
  transactions: { long: { num_transactions: '1000000' }, short: { num_transactions: '50' } },
  digest: {
    long: { input_data: 'Hello', iterations: '1000000' },
    short: { input_data: 'Hello', iterations: '1000' },
  },
};
const FIRST = 'transactions';

/** Whether files of a type can be compressed: those whose columns can be chosen. */
export const compresses = (type: ReportType | undefined): boolean => Array.isArray(type?.columns);

/** @returns The parameters to begin with. A report over an interval begins with this month so far, in the reader's zone. */
export function startOf(type: ReportType | undefined): Texts {
  if (!type) return {};
  const names = new Set(fieldsOf(type.params).map(({ name }) => name));
  const hasInterval = ['from', 'to', 'timezone'].every((name) => names.has(name));
  return hasInterval ? monthSoFar(instantNow(type.data_available_until)) : { ...EXAMPLES[type.type]?.long };
}
/** Marks the parameters of the report in the URL. */
const PREFIX = 'p.';

/** @returns The form that the URL names, else the example of a report type. */
export function draftOf(search: Search, types: ReportType[]): Draft {
  const { report: asked, format = '', compress = '', lane = '', callback = '' } = search;
  const type = types.find(({ type: name }) => name === (asked ?? FIRST)) ?? types[0];
  const report = type?.type ?? '';
  const given = Object.entries(search).filter(([name]) => name.startsWith(PREFIX));
  const texts = Object.fromEntries(given.map(([name, text]) => [name.slice(PREFIX.length), text ?? '']));
  const isNew = asked === undefined && given.length === 0;
  return { report, format, compress, lane, callback, texts: isNew ? startOf(type) : texts };
}

/** @returns The changes of the URL's parameters that name a form; parameters of an earlier report are removed. */
export function searchOf({ texts, ...draft }: Draft, old: Search): Search {
  const cleared = Object.keys(old).flatMap((name) => (name.startsWith(PREFIX) ? [[name, undefined] as const] : []));
  const own = Object.entries(texts).map(([name, text]) => [PREFIX + name, text] as const);
  return { ...draft, ...Object.fromEntries([...cleared, ...own]) };
}

export interface Bodies {
  sync: Record<string, unknown>;
  async: Record<string, unknown>;
}

/** @returns The bodies of `POST /api/sync`, whose caller waits and needs neither lane nor callback, and of `POST /api/async`. */
export function bodiesOf(
  { report, format, compress, lane, callback, texts }: Draft,
  type: ReportType | undefined,
): Bodies {
  const payload = payloadOf(fieldsOf(type?.params ?? {}), texts);
  const shared = { report, payload, ...(format !== '' && { format }), ...(compress !== '' && { compress }) };
  const url = callback.trim();
  return {
    sync: shared,
    async: { ...shared, ...(lane.trim() !== '' && { lane: lane.trim() }), callback_url: url === '' ? null : url },
  };
}
