import { S3Client } from '@aws-sdk/client-s3';
import type { Config } from '../../../platform/config/config.js';

/** The settings of the bucket; S3_BUCKET is set. */
export type S3Settings = Pick<
  Config,
  | 'S3_PREFIX'
  | 'S3_REGION'
  | 'S3_ENDPOINT'
  | 'S3_PUBLIC_ENDPOINT'
  | 'S3_PATH_STYLE'
  | 'S3_ACCESS_KEY_ID'
  | 'S3_SECRET_ACCESS_KEY'
  | 'S3_ENCRYPTION'
  | 'S3_KMS_KEY_ID'
  | 'S3_TIMEOUT'
  | 'S3_URL_EXPIRY'
> & { S3_BUCKET: string };

const ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 3_000;
/** Slow readers of streamed files each hold a connection, and must not keep new files from being stored. */
const MAX_SOCKETS = 1_000;

/** Creates a client for a server. It connects with the first request. */
export function s3Client(settings: S3Settings, endpoint = settings.S3_ENDPOINT): S3Client {
  const { S3_REGION, S3_PATH_STYLE, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_TIMEOUT } = settings;
  const credentials =
    S3_ACCESS_KEY_ID === undefined || S3_SECRET_ACCESS_KEY === undefined
      ? undefined
      : { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY };
  const agent = { maxSockets: MAX_SOCKETS };
  return new S3Client({
    region: S3_REGION,
    endpoint,
    forcePathStyle: S3_PATH_STYLE ?? endpoint !== undefined,
    credentials,
    retryMode: 'standard',
    maxAttempts: ATTEMPTS,
    // Servers of other makers do not know all of its checksums. TLS protects the bytes on their way.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: S3_TIMEOUT,
      socketTimeout: S3_TIMEOUT,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
