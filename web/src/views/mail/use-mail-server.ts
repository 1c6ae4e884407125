import { api } from '../../api/client';

/** @returns The state of the mail server, whose driver is `none` if none is set; undefined until it is read. */
export function useMailServer() {
  const { data } = api.useQuery('get', '/api/health', {}, { refetchInterval: 15_000 });
  return data && 'dependencies' in data ? data.dependencies.mail : undefined;
}
