import type { UserRole } from '../../http/caller.js';
import type { Scope } from '../../http/scopes.js';

const SCOPES_OF: Record<UserRole, readonly Scope[]> = {
  organizer: ['events:write', 'books:read', 'books:write', 'reports:read', 'reports:write'],
  customer: [],
};

/**
 * @param accountId The account of the user. Without one there is no data that scopes could open: an organizer who registered
 *   with `AUTH=open` has none after authentication is required.
 */
export function scopesOf({ role, accountId }: { role: UserRole; accountId: string | null }): readonly Scope[] {
  return accountId === null ? [] : SCOPES_OF[role];
}
