import { useMemo } from 'react';
import { api } from '../../api/client';
import { useNow } from '../../ui/use-now';
import { MAX_COUNTED } from './attention';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const REFRESH_MS = 15_000;

/** Failed reports and callbacks that were given up in the last 24 hours, each up to {@link MAX_COUNTED}. */
export function useFailures(): { failed: number | undefined; dead: number | undefined } {
  const minute = Math.floor(useNow(MINUTE_MS) / MINUTE_MS);
  const since = useMemo(() => new Date(minute * MINUTE_MS - DAY_MS).toISOString(), [minute]);
  const options = { refetchInterval: REFRESH_MS, placeholderData: <Data>(old: Data | undefined) => old };
  const failed = api.useQuery(
    'get',
    '/api/requests',
    { params: { query: { status: 'FAILED', created_from: since, limit: MAX_COUNTED } } },
    options,
  );
  const dead = api.useQuery(
    'get',
    '/api/callbacks',
    { params: { query: { status: 'FAILED', since, limit: MAX_COUNTED } } },
    options,
  );
  return { failed: failed.data?.requests.length, dead: dead.data?.callbacks.length };
}
