import type { components } from '../../api/schema.generated';
import type { Search } from '../../router';
import { type Texts, fieldsOf, payloadOf } from '../../schema-form/schema';

export type ReportType = components['schemas']['ReportType'];

/** The form of a report, as texts. */
export interface Draft {
  report: string;
  format: string;
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
/** Marks the parameters of the report in the URL. */
const PREFIX = 'p.';

/** @returns The form that the URL names, else the example of a report type. */
export function draftOf(search: Search, types: ReportType[]): Draft {
  const { report: asked, format = '', lane = '', callback = '' } = search;
  const type = types.find(({ type: name }) => name === (asked ?? FIRST)) ?? types[0];
  const report = type?.type ?? '';
  const given = Object.entries(search).filter(([name]) => name.startsWith(PREFIX));
  const texts = Object.fromEntries(given.map(([name, text]) => [name.slice(PREFIX.length), text ?? '']));
  const isNew = asked === undefined && given.length === 0;
  return { report, format, lane, callback, texts: isNew ? { ...EXAMPLES[report]?.long } : texts };
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
export function bodiesOf({ report, format, lane, callback, texts }: Draft, type: ReportType | undefined): Bodies {
  const payload = payloadOf(fieldsOf(type?.params ?? {}), texts);
  const shared = { report, payload, ...(format !== '' && { format }) };
  const url = callback.trim();
  return {
    sync: shared,
    async: { ...shared, ...(lane.trim() !== '' && { lane: lane.trim() }), callback_url: url === '' ? null : url },
  };
}
