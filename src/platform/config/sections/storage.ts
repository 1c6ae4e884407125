import { z } from 'zod';
import { isLoopbackHost } from '../loopback.js';
import { UNIT_MS, bytesOrOff, duration, durationOrOff, freeSpace } from '../values.js';

/** Names of general purpose buckets, and of those that other makers allow in their place. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^(?:[\w.-]+\/)*[\w.-]+\/?$/;

/** The URL of a server, without a path. */
const endpoint = z
  .string()
  .refine(
    isEndpoint,
    'a URL such as https://s3.example.com (http:// or https://, without a path, a user and parameters)',
  );

function isEndpoint(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { pathname, search, hash, username, password } = new URL(text);
  return pathname + search + hash + username + password === '/';
}

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** The place of report files, and limits of the space that they take. */
export const storageSettings = z.object({
  STORAGE: z
    .enum(['disk', 's3'])
    .default('disk')
    .describe('Place of new report files: `disk` is a folder in `DATA_DIR`, `s3` a bucket. Reading looks in both'),
  S3_BUCKET: z
    .string()
    .refine((text) => BUCKET.test(text), 'the name of a bucket: 3 to 63 of a-z, 0-9, - and .')
    .optional()
    .describe('Bucket of the report files'),
  S3_PREFIX: z
    .string()
    .refine(
      (text) => text.length <= 200 && PREFIX.test(text) && !/(?:^|\/)\.\.?(?:\/|$)/.test(text),
      'up to 200 of A-Z, a-z, 0-9, _ - and ., with / between folders and not at the start',
    )
    .transform((text) => (text.endsWith('/') ? text : `${text}/`))
    .optional()
    .describe('Folder in the bucket'),
  S3_REGION: z
    .string()
    .refine((text) => /^[a-z0-9-]{2,40}$/.test(text), 'a region such as eu-central-1')
    .default('us-east-1')
    .describe('Region of the bucket'),
  S3_ENDPOINT: endpoint.optional().describe('Server of the bucket; by default that of AWS'),
  S3_PUBLIC_ENDPOINT: endpoint
    .optional()
    .describe('Server in the URLs of downloads, if callers reach it by another name than this process'),
  S3_ALLOW_HTTP: flag
    .prefault('false')
    .describe(
      '`true` allows an endpoint of `http://` on another host, where the network can read and change all files',
    ),
  S3_PATH_STYLE: flag
    .optional()
    .describe('Whether the bucket is in the path of URLs instead of the host. Default: `true` with `S3_ENDPOINT`'),
  S3_ACCESS_KEY_ID: z
    .string()
    .optional()
    .describe(
      'Access key. Without it the credential chain of the AWS SDK applies: environment, profile, role of the machine',
    ),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe('Secret of the access key'),
  S3_ENCRYPTION: z
    .enum(['bucket', 'AES256', 'aws:kms'])
    .default('bucket')
    .describe('Server-side encryption of new files; `bucket` leaves it to the bucket'),
  S3_KMS_KEY_ID: z.string().optional().describe('Key of `aws:kms`. Without it that of the account'),
  S3_TIMEOUT: duration(1_000, 10 * UNIT_MS.m, 'a time from 1s to 10m')
    .prefault('30s')
    .describe('Timeout of one request to the bucket, of which up to three are made'),
  S3_URL_EXPIRY: durationOrOff(1_000, 7 * UNIT_MS.d, 'a time from 1s to 7d')
    .prefault('5m')
    .describe('Validity of the URLs that downloads are redirected to; `off` streams files through the service'),
  MAX_STORAGE_ACCOUNT: bytesOrOff
    .prefault('10gb')
    .describe(
      'Maximum bytes of the report files of one account, those of unfinished requests by estimate; `off` for none',
    ),
  MIN_FREE_DISK: freeSpace
    .optional()
    .describe(
      'Free disk space below which nothing is accepted or generated: a size, a percentage, or `off`. Default: `1gb`, or `5%` if that is less',
    ),
});

type StorageSettings = z.output<typeof storageSettings>;

/** The settings without a default that mean nothing without a bucket. */
const OF_A_BUCKET = [
  'S3_ENDPOINT',
  'S3_PUBLIC_ENDPOINT',
  'S3_PREFIX',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
] as const;

/** Returns why settings do not fit together, or null if they do. */
export function storageConflict(settings: StorageSettings): string | null {
  if (settings.S3_BUCKET === undefined) {
    const other = OF_A_BUCKET.find((name) => settings[name] !== undefined);
    if (settings.STORAGE === 's3') return 'STORAGE="s3" is not valid: S3_BUCKET is not set';
    return other === undefined ? null : `${other} is set, but S3_BUCKET is not`;
  }
  const { S3_ACCESS_KEY_ID: id, S3_SECRET_ACCESS_KEY: secret } = settings;
  if (id !== undefined && secret === undefined) return 'S3_ACCESS_KEY_ID is set, but S3_SECRET_ACCESS_KEY is not';
  if (id === undefined && secret !== undefined) return 'S3_SECRET_ACCESS_KEY is set, but S3_ACCESS_KEY_ID is not';
  if (settings.S3_KMS_KEY_ID !== undefined && settings.S3_ENCRYPTION !== 'aws:kms')
    return 'S3_KMS_KEY_ID is set, but S3_ENCRYPTION is not aws:kms';
  for (const name of ['S3_ENDPOINT', 'S3_PUBLIC_ENDPOINT'] as const) {
    const url = settings[name] === undefined ? null : new URL(settings[name]);
    if (url?.protocol === 'http:' && !settings.S3_ALLOW_HTTP && !isLoopbackHost(url.hostname))
      return `${name}=${JSON.stringify(settings[name])} is not valid: it must begin with https://, unless S3_ALLOW_HTTP=true is set`;
  }
  return null;
}
