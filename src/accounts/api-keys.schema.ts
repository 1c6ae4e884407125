import { z } from 'zod';
import { duration } from '../platform/config/values.js';
import { SCOPES } from '../http/scopes.js';

const DAY_MS = 86_400_000;
/** A key that expires does so within ten years. */
const MAX_LIFE_MS = 3_650 * DAY_MS;
const MAX_OVERLAP_MS = 30 * DAY_MS;
/** The account of a key that is created without one. */
const DEFAULT_ACCOUNT = 'default';
const DEFAULT_OVERLAP_MS = DAY_MS;

/** An account's name is also what an admin key names it by, in a header. */
const accountName = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be 1 to 64 of: letters, digits, _ . : -')
  .describe('Whose data the key sees; the account is made if need be');

const keyName = z.string().trim().min(1).max(100).describe('For people: who or what uses the key');

const keyScopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .refine((scopes) => new Set(scopes).size === scopes.length, 'must not name a scope twice')
  .describe('What the key may do; `admin` is everything');

const keyLife = duration(1_000, MAX_LIFE_MS, 'must be a time from 1s to 3650d, such as 90d')
  .optional()
  .describe('How long the key is good, such as `90d`; for ever without it');

const keyOverlap = duration(0, MAX_OVERLAP_MS, 'must be a time up to 30d, such as 24h, or 0s')
  .default(DEFAULT_OVERLAP_MS)
  .describe('How long the old key is good too, from `0s` to `30d`; by default `24h`');

export const createKeyBody = z
  .strictObject({
    name: keyName,
    account: accountName.default(DEFAULT_ACCOUNT),
    scopes: keyScopes,
    expires_in: keyLife,
  })
  .meta({ example: { name: 'ci', account: 'acme', scopes: ['reports:read', 'reports:write'], expires_in: '90d' } });
export type CreateKeyBody = z.output<typeof createKeyBody>;

/** No body at all is fine. */
export const rotateKeyBody = z
  .strictObject({ overlap: keyOverlap })
  .prefault({})
  .meta({ example: { overlap: '24h' } });
export type RotateKeyBody = z.output<typeof rotateKeyBody>;

/** `:id` of a key. An id that is no UUID cannot exist: the service answers it with 404 like any other unknown one. */
export const keyIdParam = z.string();

export const keysQuery = z.strictObject({
  account: z.string().max(64).optional(),
  limit: z.coerce.number().pipe(z.int().min(1).max(200)).default(50).describe('Rows a page'),
  cursor: z.uuid().optional().describe('`next_cursor` of the page before'),
});
export type KeysQuery = z.infer<typeof keysQuery>;

const timestamp = z.iso.datetime();

export const keyView = z.object({
  id: z.uuid(),
  name: z.string(),
  account: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  status: z.enum(['active', 'expired', 'revoked']),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
  last_used_at: timestamp.nullable().describe('To the minute'),
  revoked_at: timestamp.nullable(),
  replaced_by: z.uuid().nullable().describe('The key that a rotation put in its place'),
});

export const newKeyView = keyView.extend({
  key: z.string().describe('`dbk_<id>_<secret>`, shown this once: only its hash is stored'),
});

export const keyPage = z.object({ keys: z.array(keyView), next_cursor: z.uuid().nullable() });
