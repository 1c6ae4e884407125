/** What a key may do. A feature that comes adds its own; each route names the one it needs. */
export const SCOPES = ['reports:read', 'reports:write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Whether keys with these scopes may do what needs this one. `admin` holds every other. */
export function allows(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.includes(needed) || scopes.includes('admin');
}
