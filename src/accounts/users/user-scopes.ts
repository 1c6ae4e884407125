import type { UserRole } from '../../http/caller.js';
import type { Scope } from '../../http/scopes.js';

const SCOPES_OF: Record<UserRole, readonly Scope[]> = {
  organizer: ['events:write', 'books:read', 'books:write', 'reports:read', 'reports:write'],
  customer: [],
};

/**
 * @param accountId Null for customers, and for organizers who registered with `AUTH=open`. They get no scopes, which would open
 *   the data of the open installation to them.
 */
export function scopesOf({ role, accountId }: { role: UserRole; accountId: string | null }): readonly Scope[] {
  return accountId === null ? [] : SCOPES_OF[role];
}
