import { z } from 'zod';
import { USER_ROLES } from '../../../http/caller.js';
import { SCOPES } from '../../../http/scopes.js';
import { password, userEmail } from '../users.schema.js';

export const createSessionBody = z
  .union([
    z.strictObject({ api_key: z.string().min(1).max(200).describe('`dbk_<id>_<secret>`') }),
    z.strictObject({ email: userEmail, password }),
  ])
  .meta({ id: 'CreateSessionBody', example: { email: 'ada@events.example', password: 'correct horse battery' } });
export type CreateSessionBody = z.output<typeof createSessionBody>;

const sessionCaller = z
  .object({
    kind: z.enum(['key', 'user']),
    id: z.uuid(),
    name: z.string(),
    email: z.string().nullable().describe('Null for an API key'),
    role: z.enum(USER_ROLES).nullable().describe('Null for an API key'),
    scopes: z.array(z.enum(SCOPES)).nullable().describe('Null with `AUTH=open`, where no scope is checked'),
  })
  .meta({ id: 'SessionCaller' });

export const sessionView = z
  .object({
    caller: sessionCaller.nullable().describe('Null when logged out'),
    authentication: z.enum(['open', 'required']).describe('`AUTH` of the installation'),
    is_operator: z
      .boolean()
      .describe('Whether routes of operators are open: to the scope `admin`, and with `AUTH=open` on this machine'),
  })
  .meta({ id: 'Session' });
