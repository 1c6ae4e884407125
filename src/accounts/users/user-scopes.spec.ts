import { describe, expect, it } from '@jest/globals';
import { scopesOf } from './user-scopes.js';

const ACCOUNT = '019ca952-7a00-7c41-8d2e-5f60718293a4';

describe('the scopes of a user', () => {
  it('open the books, events and reports of an organizer, and never keys', () => {
    const scopes = scopesOf({ role: 'organizer', accountId: ACCOUNT });
    expect(scopes).toEqual(['events:write', 'books:read', 'books:write', 'reports:read', 'reports:write']);
  });

  it('are none for customers', () => {
    expect(scopesOf({ role: 'customer', accountId: null })).toEqual([]);
    expect(scopesOf({ role: 'customer', accountId: ACCOUNT })).toEqual([]);
  });

  it('are none for an organizer without an account, because no account means all accounts', () => {
    expect(scopesOf({ role: 'organizer', accountId: null })).toEqual([]);
  });
});
