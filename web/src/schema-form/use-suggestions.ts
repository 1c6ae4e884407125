import { keepPreviousData } from '@tanstack/react-query';
import { api } from '../api/client';
import { useMay } from '../api/session';
import type { Suggestions } from './schema-form';
import type { SchemaField, Texts } from './schema';

/** Time for which a suggestion may be old. */
const STALE_MS = 30_000;
/** The API searches for a part of an address of up to this length; an id is longer, or has no customer to suggest. */
const MAX_SEARCH = 254;
const IS_ID = /^[0-9a-f]{8}-/i;

export const timeZones = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** @returns Values to suggest for the parameters of a report: what the books have, and the time zones. */
export function useSuggestions(fields: SchemaField[], texts: Texts): Suggestions {
  const names = new Set(fields.map(({ name }) => name));
  const mayRead = useMay('books:read');
  const needsLedger = mayRead && (names.has('ledger_account') || names.has('currency'));
  const email = texts['customer_id']?.trim() ?? '';
  const needsCustomers = mayRead && names.has('customer_id') && !IS_ID.test(email) && email.length <= MAX_SEARCH;
  const ledger = api.useQuery('get', '/api/journal/balances', {}, { staleTime: STALE_MS, enabled: needsLedger });
  const customers = api.useQuery(
    'get',
    '/api/customers',
    { params: { query: { email: email === '' ? undefined : email, limit: 20 } } },
    { staleTime: STALE_MS, enabled: needsCustomers, placeholderData: keepPreviousData },
  );
  const balances = ledger.data?.balances ?? [];
  const distinct = (values: string[]): string[] => [...new Set(values)].toSorted();
  return {
    ledger_account: distinct(balances.map(({ ledger_account }) => ledger_account)),
    currency: distinct(balances.map(({ currency }) => currency)),
    customer_id: customers.data?.customers.map(({ id, name, email: of }) => [id, `${name} <${of}>`] as const) ?? [],
    ...(names.has('timezone') && { timezone: timeZones() }),
  };
}
