import { monthSoFar } from '../../../schema-form/interval';
import type { Search } from '../../../router';

/** The reports that are shown as tables. */
export const STATEMENTS = [
  ['trial-balance', 'Trial balance'],
  ['account-statement', 'Statement of a ledger account'],
  ['customer-statement', 'Statement of a customer'],
] as const;
type Statement = (typeof STATEMENTS)[number][0];

/** Parameters in the URL, under their names in the API. */
const PARAMS = ['from', 'to', 'timezone', 'currency', 'through_entry', 'ledger_account', 'customer_id'] as const;
type Param = (typeof PARAMS)[number];
/** What a report takes alone. */
const OWN: Partial<Record<Param, Statement>> = {
  ledger_account: 'account-statement',
  customer_id: 'customer-statement',
};

export type StatementDraft = { report: Statement } & Record<Param, string>;

/** @returns The form that the URL names; without an interval, this month so far. */
export function draftOf(search: Search, now: Date): StatementDraft {
  const report = STATEMENTS.find(([name]) => name === search['report'])?.[0] ?? STATEMENTS[0][0];
  const given = Object.fromEntries(PARAMS.map((name) => [name, search[name] ?? ''])) as Record<Param, string>;
  const hasInterval = given.from !== '' || given.to !== '';
  return { report, ...given, ...(!hasInterval && monthSoFar(now)) };
}

/** @returns The parameters that the chosen report takes and that are not empty. */
function givenOf(draft: StatementDraft): [Param, string][] {
  return PARAMS.flatMap((name) => {
    const text = draft[name].trim();
    return text === '' || (OWN[name] ?? draft.report) !== draft.report ? [] : [[name, text] as [Param, string]];
  });
}

/** @returns The body of `POST /api/sync`. A number that is none is sent as it is, since the API says best why not. */
export function bodyOf(draft: StatementDraft): { report: Statement; format: string; payload: Record<string, unknown> } {
  const valueOf = (name: Param, text: string): unknown =>
    name === 'through_entry' && /^\d+$/.test(text) ? Number(text) : text;
  const payload = Object.fromEntries(givenOf(draft).map(([name, text]) => [name, valueOf(name, text)]));
  return { report: draft.report, format: 'jsonl', payload };
}

/** @returns The URL's parameters that name a form. */
export function searchOf(draft: StatementDraft): Search {
  const none = Object.fromEntries(PARAMS.map((name) => [name, undefined]));
  return { ...none, report: draft.report, ...Object.fromEntries(givenOf(draft)) };
}

/** A row of a report, or one of its totals. Amounts are minor units. */
export type Row = Record<string, string | number | null>;

/** The rows of one currency, and in a statement of one ledger account. */
export interface Section {
  key: string;
  title: string;
  currency: string;
  /** Of the whole report, also when only its first rows are shown. */
  totals: Row;
  rows: Row[];
}

/** @returns The rows below the totals that they are part of, in the order of the totals. */
export function sectionsOf(rows: readonly Row[], totals: readonly Row[]): Section[] {
  return totals.map((total) => {
    const [account, currency] = [total['ledger_account'], String(total['currency'])];
    const isOf = (row: Row): boolean =>
      row['currency'] === currency && (account === undefined || row['ledger_account'] === account);
    const title = account === undefined ? currency : `${account}, ${currency}`;
    return { key: title, title, currency, totals: total, rows: rows.filter(isOf) };
  });
}

export const centsOf = (row: Row, name: string): number => Number(row[`${name}_cents`] ?? 0);
