import { Logger } from '@nestjs/common';
import type { Config } from '../../../platform/config/config.js';
import { StartError } from '../../../platform/errors.js';
import { isRefusal, regionOf, s3Detail, s3Fault, statusOf } from './s3-fault.js';
import { S3Storage } from './s3.storage.js';

/**
 * Opens the bucket of the settings, and checks them against it. A server that does not answer is only logged: a process that
 * starts during an outage must accept requests.
 * @throws StartError when the bucket is missing, elsewhere, or refuses.
 */
export async function openBucket(config: Config, onAway: (fault: string) => void = logAway): Promise<S3Storage> {
  const { S3_BUCKET = '', S3_REGION } = config;
  const storage = new S3Storage({ ...config, S3_BUCKET });
  try {
    await storage.check();
  } catch (error) {
    const refusal = refusalOf(error, S3_BUCKET, S3_REGION);
    if (refusal !== null) {
      storage.close();
      throw new StartError(refusal);
    }
    onAway(`${s3Fault(error)}: ${s3Detail(error)}`);
  }
  return storage;
}

function logAway(fault: string): void {
  new Logger('Storage').warn(`${fault}. Reports wait until the bucket is there`);
}

function refusalOf(error: unknown, bucket: string, region: string): string | null {
  const found = regionOf(error);
  if (found !== undefined && found !== region) return `S3_REGION="${region}": the bucket ${bucket} is in ${found}`;
  if (statusOf(error) === 404) return `S3_BUCKET="${bucket}": there is no such bucket`;
  if ((error as Error).name === 'CredentialsProviderError')
    return 'There are no credentials for S3: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or a role or profile for the AWS SDK';
  if (!isRefusal(error)) return null;
  return `The bucket ${bucket} refuses: check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and their rights (HTTP ${statusOf(error)})`;
}
