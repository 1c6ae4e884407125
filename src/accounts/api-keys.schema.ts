import { z } from 'zod';
import { pageFields } from '../http/fields/page-query.js';
import { duration } from '../platform/config/values.js';
import { label } from '../http/fields/label.js';
import { SCOPES } from '../http/scopes.js';
import { urlName } from '../http/fields/url-name.js';

const DAY_MS = 86_400_000;
/** Longest lifetime of a key that expires: ten years. */
const MAX_LIFE_MS = 3_650 * DAY_MS;
const MAX_OVERLAP_MS = 30 * DAY_MS;
/** The account of a key that is created without one. */
const DEFAULT_ACCOUNT = 'default';
const DEFAULT_OVERLAP_MS = DAY_MS;

/** An admin key also names an account in a header. */
const accountName = urlName.describe('Account whose data the key can access; created if it does not exist');

const keyName = label(100).describe('A label, such as the user of the key');

const keyScopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .refine((scopes) => new Set(scopes).size === scopes.length, 'must not name a scope twice')
  .describe('Permissions of the key; `admin` includes all others');

const keyLife = duration(1_000, MAX_LIFE_MS, 'must be a time from 1s to 3650d, such as 90d')
  .optional()
  .describe('Lifetime of the key, such as `90d`; unlimited by default');

const keyOverlap = duration(0, MAX_OVERLAP_MS, 'must be a time up to 30d, such as 24h, or 0s')
  .default(DEFAULT_OVERLAP_MS)
  .describe('How long the old key stays valid, from `0s` to `30d`; `24h` by default');

export const createKeyBody = z
  .strictObject({
    name: keyName,
    account: accountName.default(DEFAULT_ACCOUNT),
    scopes: keyScopes,
    expires_in: keyLife,
  })
  .meta({
    id: 'CreateKeyBody',
    example: { name: 'ci', account: 'acme', scopes: ['reports:read', 'reports:write'], expires_in: '90d' },
  });
export type CreateKeyBody = z.output<typeof createKeyBody>;

/** The body is optional. */
export const rotateKeyBody = z
  .strictObject({ overlap: keyOverlap })
  .prefault({})
  .meta({ id: 'RotateKeyBody', example: { overlap: '24h' } });
export type RotateKeyBody = z.output<typeof rotateKeyBody>;

export const keysQuery = z.strictObject({
  account: z.string().max(64).optional(),
  ...pageFields('Keys'),
});
export type KeysQuery = z.infer<typeof keysQuery>;

const timestamp = z.iso.datetime();

export const keyView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    account: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    status: z.enum(['active', 'expired', 'revoked']),
    created_at: timestamp,
    expires_at: timestamp.nullable(),
    last_used_at: timestamp.nullable().describe('Precise to about a minute'),
    revoked_at: timestamp.nullable(),
    replaced_by: z.uuid().nullable().describe('The successor of a rotated key'),
  })
  .meta({ id: 'ApiKey' });

export const newKeyView = keyView
  .extend({
    key: z.string().describe('`dbk_<id>_<secret>`, shown only in this response: only its hash is stored'),
  })
  .meta({ id: 'NewApiKey' });

export const keyPage = z
  .object({ keys: z.array(keyView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'ApiKeyPage' });
