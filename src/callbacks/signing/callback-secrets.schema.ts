import { z } from 'zod';
import { duration } from '../../platform/config/values.js';

/** Longest overlap of an old secret with its successor. */
const MAX_OVERLAP_MS = 7 * 86_400_000;
const CREATED_AT = '2026-03-01T12:00:00.000Z';
const EXPIRES_AT = '2026-03-02T12:00:00.000Z';
const IDS = ['019ca952-7a00-7c41-8d2e-5f60718293a4', '019c0ecd-b200-7b1f-9e3d-2c4b5a697887'];

/** The body is optional. */
export const rotateBody = z
  .strictObject({
    expire_old_after: duration(0, MAX_OVERLAP_MS, 'must be a time up to 7d, such as 24h, or 0s')
      .optional()
      .describe('Remaining validity of the old secrets, from `0s` to `7d`; by default `CALLBACK_SECRET_OVERLAP`'),
  })
  .optional()
  .meta({ id: 'RotateSecretBody', example: { expire_old_after: '24h' } });
export type RotateBody = z.infer<typeof rotateBody>;

const fields = {
  id: z.uuid(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable().describe('End of its validity; null for the newest'),
};

export const secretList = z
  .object({
    secrets: z.array(
      z.object({ ...fields, secret: z.string().describe('`whsec_` and base64') }).meta({ id: 'CallbackSecret' }),
    ),
  })
  .meta({
    id: 'CallbackSecretList',
    example: {
      secrets: [
        {
          id: IDS[0],
          created_at: EXPIRES_AT,
          expires_at: null,
          secret: 'whsec_CjOXtdPxDyusQr1bMXOT6Z2nYkLQm0nh6FdA9oQ2eJk=',
        },
        {
          id: IDS[1],
          created_at: CREATED_AT,
          expires_at: '2026-03-03T12:00:00.000Z',
          secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
        },
      ],
    },
  });

export const publicKeyList = z
  .object({
    in_use: z.boolean().describe('Whether callbacks have `v1a` signatures (`CALLBACK_SIGNATURE`)'),
    public_keys: z.array(
      z.object({ ...fields, public_key: z.string().describe('`whpk_` and base64') }).meta({ id: 'CallbackPublicKey' }),
    ),
  })
  .meta({
    id: 'CallbackPublicKeyList',
    example: {
      in_use: true,
      public_keys: [
        {
          id: IDS[0],
          created_at: CREATED_AT,
          expires_at: null,
          public_key: 'whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
        },
      ],
    },
  });
