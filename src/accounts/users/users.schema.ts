import { z } from 'zod';
import { USER_ROLES } from '../../http/caller.js';
import { label } from '../../http/fields/label.js';
import { SCOPES } from '../../http/scopes.js';
import { ACCESS_TOKEN_LIFE_S } from './tokens/access-tokens.js';

/** The longest address (RFC 5321, section 4.5.3.1). */
const MAX_EMAIL = 254;
const MIN_PASSWORD = 8;
const MAX_PASSWORD = 128;
const MAX_TOKEN = 200;

export const userEmail = z.email().max(MAX_EMAIL).describe('Unique among users, regardless of case');
const newPassword = z
  .string()
  .min(MIN_PASSWORD)
  .max(MAX_PASSWORD)
  .describe(`${MIN_PASSWORD} to ${MAX_PASSWORD} characters`);
export const password = z.string().min(1).max(MAX_PASSWORD);
const EXAMPLE_REFRESH = 'dbr_CjOXtdPxDyusQr1bMXOT6Z2nYkLQm0nh6FdA9oQ2eJk';
const refreshToken = z.string().min(1).max(MAX_TOKEN).describe('`dbr_…`, valid once and for 30 days');

export const registerBody = z
  .strictObject({
    name: label(200),
    email: userEmail,
    password: newPassword,
    role: z.enum(USER_ROLES).describe('`organizer` publishes events, `customer` books tickets'),
  })
  .meta({
    id: 'RegisterBody',
    example: { name: 'Ada', email: 'ada@events.example', password: 'correct horse battery', role: 'organizer' },
  });
export type RegisterBody = z.output<typeof registerBody>;

export const loginBody = z
  .strictObject({ email: userEmail, password })
  .meta({ id: 'LoginBody', example: { email: 'ada@events.example', password: 'correct horse battery' } });
export type LoginBody = z.output<typeof loginBody>;

export const refreshBody = z
  .strictObject({ refresh_token: refreshToken })
  .meta({ id: 'RefreshBody', example: { refresh_token: EXAMPLE_REFRESH } });
export type RefreshBody = z.output<typeof refreshBody>;

/** The body is optional: an access token or a cookie names the session too. */
export const logoutBody = z
  .strictObject({ refresh_token: refreshToken.optional() })
  .optional()
  .meta({ id: 'LogoutBody', example: { refresh_token: EXAMPLE_REFRESH } });
export type LogoutBody = z.output<typeof logoutBody>;

export const passwordBody = z
  .strictObject({ current: password, new: newPassword })
  .meta({ id: 'PasswordBody', example: { current: 'correct horse battery', new: 'staple the battery' } });
export type PasswordBody = z.output<typeof passwordBody>;

export const resetBody = z
  .strictObject({ email: userEmail })
  .meta({ id: 'ResetBody', example: { email: 'ada@events.example' } });
export type ResetBody = z.output<typeof resetBody>;

export const confirmResetBody = z
  .strictObject({
    token: z.string().min(1).max(MAX_TOKEN).describe('The token of the mail, valid once and for 30 minutes'),
    new: newPassword,
  })
  .meta({
    id: 'ConfirmResetBody',
    example: { token: 'dbp_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo', new: 'staple the battery' },
  });
export type ConfirmResetBody = z.output<typeof confirmResetBody>;

const userView = z.object({
  id: z.uuid(),
  name: z.string(),
  email: z.string(),
  role: z.enum(USER_ROLES),
});

export const loginView = userView
  .extend({
    token: z.string().describe('Access token: `Authorization: Bearer …`'),
    expires_in: z.literal(ACCESS_TOKEN_LIFE_S).describe('Seconds for which the access token is valid'),
    refresh_token: refreshToken,
  })
  .meta({ id: 'Login' });

export const meView = userView
  .extend({
    scopes: z.array(z.enum(SCOPES)).nullable().describe('Null with `AUTH=open`, where no scope is checked'),
  })
  .meta({ id: 'Me' });

export const logoutView = z.object({ logged_out: z.literal(true) }).meta({ id: 'Logout' });
export const passwordView = z
  .object({
    changed: z.literal(true),
    ended_sessions: z.int().describe('Other sessions of the user that were ended'),
  })
  .meta({ id: 'PasswordChange' });
export const resetView = z.object({ message: z.string() }).meta({ id: 'ResetRequest' });
export const confirmResetView = z
  .object({ changed: z.literal(true), id: z.uuid().describe('The user') })
  .meta({ id: 'ConfirmedReset' });
