import { api, client, dataOf, queryClient } from '../../api/client';
import { useMay, useSession } from '../../api/session';

/**
 * Whether the built-in receiver is on, and its URL. Operators read both from the settings: behind a published port the page's own
 * port is not the service's. Without `AUTH=required` the receiver is on by default.
 */
export function useDemoReceiver(): { isOn: boolean; url: string } {
  const { authentication } = useSession();
  const isOperator = useMay('operator');
  const isAdmin = useMay('admin');
  const { data } = api.useQuery(
    'get',
    '/api/settings',
    {},
    { enabled: isOperator && isAdmin, staleTime: Number.POSITIVE_INFINITY },
  );
  const setting = (name: string): string | null | undefined =>
    data?.settings.find((given) => given.name === name)?.value;
  const isOnBySetting = setting('DEMO_RECEIVER');
  const port = Number(setting('PORT')) || Number(location.port) || 80;
  return {
    isOn: isAdmin && (data === undefined ? authentication === 'open' : isOnBySetting === 'on'),
    url: `http://localhost:${port}/api/callbacks/receive`,
  };
}

/** The query of the failure switch. */
export const FAILURES = ['get', '/api/callbacks/simulate-failures', {}] as const;

/** Sets whether the receiver answers 500, and how often. */
export async function simulateFailures(body: { enabled: boolean; failure_rate?: number }): Promise<void> {
  const state = await dataOf(client.POST('/api/callbacks/simulate-failures', { params: { query: {} }, body }));
  queryClient.setQueryData(FAILURES, state);
}
