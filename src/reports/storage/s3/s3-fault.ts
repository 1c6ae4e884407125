/** The parts of an SDK error that are used. Errors of the network have a code and no metadata. */
interface S3Error {
  $response?: { headers?: Record<string, string> };
  name?: string;
  code?: string;
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

/** A code such as AccessDenied or ECONNREFUSED. */
const NAME = /^(?!Error$|Unknown)[A-Za-z]{3,60}$/;
const SYSTEM_CODE = /\bE[A-Z_]{3,30}\b/;
const WRAPPER = /^AWS SDK error wrapper for (?:Error: )?/;

/** Returns why the storage cannot be used, for callers: without names of servers, users and keys. */
export function s3Fault(error: unknown): string {
  const { name, code, message = '' } = read(error);
  const status = statusOf(error);
  // The SDK wraps errors of the network, and only their message remains.
  const known = [code, SYSTEM_CODE.exec(message)?.[0], name].find((part) => part !== undefined && NAME.test(part));
  const parts = [known, status === undefined ? undefined : `HTTP ${status}`].filter((part) => part !== undefined);
  const reason = parts.join(', ') || 'no answer';
  return `Report files cannot be stored in S3 (${reason})`;
}

/** Returns what the server or the network says, in one line, for operators. */
export function s3Detail(error: unknown): string {
  const { name, message = '' } = read(error);
  const detail = message.replace(WRAPPER, '');
  return name === undefined || name === 'Error' || name === detail ? detail : `${name}: ${detail}`;
}
