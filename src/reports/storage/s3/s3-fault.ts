/** The parts of an SDK error that are used. Errors of the network have no metadata. */
interface S3Error {
  $response?: { headers?: Record<string, string> };
  name?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
}

const MISSING = 404;
const REFUSED = new Set([400, 401, 403]);

const read = (error: unknown): S3Error => (typeof error === 'object' && error !== null ? error : {});

/** The status of the server's answer; undefined if there was none. */
export const statusOf = (error: unknown): number | undefined => read(error).$metadata?.httpStatusCode;

/** The region of the bucket, which an answer to HEAD names. */
export const regionOf = (error: unknown): string | undefined => read(error).$response?.headers?.['x-amz-bucket-region'];

/** Whether the object is missing. The answer to HEAD does not tell it from a missing bucket. */
export const isMissing = (error: unknown): boolean =>
  statusOf(error) === MISSING && read(error).name !== 'NoSuchBucket';

/** Whether the server refuses this client or its request, now and later. */
export const isRefusal = (error: unknown): boolean =>
  REFUSED.has(statusOf(error) ?? 0) || read(error).name === 'CredentialsProviderError';

const WRAPPER = /^AWS SDK error wrapper for (?:Error: )?/;

/** Returns why the storage cannot be used, in one line. */
export function s3Fault(error: unknown): string {
  const { name, message } = read(error);
  // The message of an answer to HEAD is its name or less.
  const parts = new Set([name, message?.replace(WRAPPER, '')]);
  const reason = [...parts].filter((part) => part && !/^(?:Error|Unknown(?:Error)?)$/.test(part));
  const status = statusOf(error);
  return `Report files cannot be stored in S3: ${reason.join(': ')}${status === undefined ? '' : ` (HTTP ${status})`}`;
}
