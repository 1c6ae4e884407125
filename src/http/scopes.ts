import { DaybookError } from '../platform/errors.js';

/** The scopes of API keys and users. */
export const SCOPES = ['reports:read', 'reports:write', 'books:read', 'books:write', 'events:write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Whether these scopes include the required one. `admin` includes every scope. */
export function allows(scopes: readonly Scope[], required: Scope): boolean {
  return scopes.includes(required) || scopes.includes('admin');
}

/** The credentials are valid, but lack the required scope. */
export class InsufficientScope extends DaybookError {
  readonly code = 'insufficient-scope';
  constructor(scope: Scope) {
    super(`This requires an API key with the scope ${scope}`);
  }
}
