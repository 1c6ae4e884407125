import type { AccountId } from '../platform/tenant.js';

/** The account of the books of an open installation. Not null, so that unique keys hold. */
export const OPEN_BOOKS = '00000000-0000-7000-8000-000000000000';

/** Returns the `account_id` of the books of an account. */
export function bookAccount(account: AccountId): string {
  return account ?? OPEN_BOOKS;
}
