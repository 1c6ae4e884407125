import { useQuery } from '@tanstack/react-query';
import { client, dataOf, queryClient } from './client';
import type { paths } from './schema.generated';

export type Session = paths['/api/session']['get']['responses'][200]['content']['application/json'];
export type Scope = NonNullable<NonNullable<Session['caller']>['scopes']>[number];

export const SESSION_KEY = ['session'];

const SESSION_QUERY = {
  queryKey: SESSION_KEY,
  queryFn: () => dataOf(client.GET('/api/session')),
  staleTime: Number.POSITIVE_INFINITY,
};

/** The caller of this browser. With `AUTH=open` every caller may do everything that is not for operators. */
export function useSession(): Session {
  const { data } = useQuery(SESSION_QUERY);
  return data ?? { caller: null, authentication: 'open', is_operator: false };
}

/** @returns Whether the caller is known, or cannot be read. A view that is shown before could ask for what is forbidden. */
export function useIsSessionKnown(): boolean {
  return !useQuery(SESSION_QUERY).isPending;
}

/** Whether a caller may use routes with this scope; `operator` for those of operators. */
export function mayUse({ caller, authentication, is_operator }: Session, needed: Scope | 'operator'): boolean {
  if (needed === 'operator') return is_operator;
  if (authentication === 'open') return true;
  const scopes = caller?.scopes ?? [];
  return scopes.includes(needed) || scopes.includes('admin');
}

/** @returns Whether the caller may use routes with this scope, so that a view shows no button that would answer 403. */
export function useMay(needed: Scope | 'operator'): boolean {
  return mayUse(useSession(), needed);
}

export async function logIn(body: { api_key: string } | { email: string; password: string }): Promise<void> {
  const session = await dataOf(client.POST('/api/session', { body }));
  changeCaller(session);
}

export async function logOut(): Promise<void> {
  const session = await dataOf(client.DELETE('/api/session'));
  changeCaller(session);
}

/** Forgets the answers to the caller before. The shell shows its views anew, since theirs would still be on the screen. */
function changeCaller(session: Session): void {
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
  queryClient.setQueryData(SESSION_KEY, session);
}
