import { describe, expect, it } from 'vitest';
import { type Scope, type Session, mayUse } from './session';

const OPEN: Session = { caller: null, authentication: 'open' };
const LOGGED_OUT: Session = { caller: null, authentication: 'required' };
const withScopes = (scopes: Scope[], isOperator = false, authentication: Session['authentication'] = 'required') =>
  ({ caller: { scopes, is_operator: isOperator, name: 'test' }, authentication }) as Session;

describe('the session may use', () => {
  it('everything with AUTH=open', () => {
    for (const needed of ['reports:write', 'admin', 'operator'] as const) expect(mayUse(OPEN, needed)).toBe(true);
  });

  it('nothing before a login', () => {
    for (const needed of ['reports:read', 'admin', 'operator'] as const) expect(mayUse(LOGGED_OUT, needed)).toBe(false);
  });

  it('what the scopes allow, and no more', () => {
    const session = withScopes(['reports:read']);
    expect(mayUse(session, 'reports:read')).toBe(true);
    for (const needed of ['reports:write', 'books:read', 'admin', 'operator'] as const)
      expect([needed, mayUse(session, needed)]).toEqual([needed, false]);
  });

  it('every scope with admin', () => {
    const session = withScopes(['admin']);
    for (const needed of ['reports:read', 'books:write', 'admin'] as const) expect(mayUse(session, needed)).toBe(true);
  });

  it("an operator's routes only as an operator, with AUTH=open too", () => {
    expect(mayUse(withScopes(['admin'], true), 'operator')).toBe(true);
    expect(mayUse(withScopes(['reports:write'], false, 'open'), 'operator')).toBe(false);
  });
});
