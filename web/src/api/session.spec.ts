import { describe, expect, it } from 'vitest';
import { type Scope, type Session, mayUse } from './session';

const OPEN: Session = { caller: null, authentication: 'open', is_operator: true };
const LOGGED_OUT: Session = { caller: null, authentication: 'required', is_operator: false };
const withScopes = (scopes: Scope[], isOperator = false) =>
  ({ caller: { scopes, name: 'test' }, authentication: 'required', is_operator: isOperator }) as Session;

describe('the session may use', () => {
  it('everything with AUTH=open on this machine', () => {
    for (const needed of ['reports:write', 'admin', 'operator'] as const) expect(mayUse(OPEN, needed)).toBe(true);
  });

  it('all but the routes of operators with AUTH=open on another machine', () => {
    const session = { ...OPEN, is_operator: false };
    for (const needed of ['reports:write', 'admin'] as const) expect(mayUse(session, needed)).toBe(true);
    expect(mayUse(session, 'operator')).toBe(false);
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

  it("an operator's routes only as an operator", () => {
    expect(mayUse(withScopes(['admin'], true), 'operator')).toBe(true);
    expect(mayUse(withScopes(['admin']), 'operator')).toBe(false);
  });
});
