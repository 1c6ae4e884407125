import type { Config } from './config.js';

/** Too short to be told from other text, or no secret: removing it everywhere would only spoil the log. */
const MIN_LENGTH = 5;
const PUBLIC = new Set(['postgres', 'daybook', 'redis', 'localhost', 'default', 'password']);

type WithPasswords = 'DATABASE_URL' | 'DATABASE_REPLICA_URL' | 'REDIS_URL' | 'CALLBACK_PROXY' | 'SMTP_URL';

/** Returns the secret key of the storage, and the passwords in the URLs of the settings, as they are written and decoded. */
export function passwordsOf(
  config: Pick<Config, WithPasswords> & Partial<Pick<Config, 'S3_SECRET_ACCESS_KEY'>>,
): string[] {
  const { DATABASE_URL, DATABASE_REPLICA_URL, REDIS_URL, CALLBACK_PROXY, SMTP_URL, S3_SECRET_ACCESS_KEY } = config;
  const urls = [DATABASE_URL, DATABASE_REPLICA_URL, REDIS_URL, CALLBACK_PROXY, SMTP_URL].filter(
    (url) => url !== undefined,
  );
  const passwords = urls.flatMap((url) => {
    const { password } = new URL(url);
    return [password, decoded(password)];
  });
  const all = new Set([...passwords, S3_SECRET_ACCESS_KEY ?? '']);
  return [...all].filter((password) => password.length >= MIN_LENGTH && !PUBLIC.has(password));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
