import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, environmentSchema, parseConfig } from './config.js';

const REDIS_URL = 'redis://:hunter2@cache.example:6379/1';

/** Returns the message of the error for an invalid environment. */
function refusal(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`${JSON.stringify(environment)} was accepted`);
}

/** For each variable: an invalid value, the text for allowed values, a valid value and its parsed form. */
const DURATION_CASES: [string, string, string, string, number][] = [
  ['REPORT_TIMEOUT', '999ms', 'a time from 1s to 1d', '1s', 1_000],
  ['REPORT_TIMEOUT', '2d', 'a time from 1s to 1d', '1d', 86_400_000],
  ['LANE_LEASE', '1999ms', 'a time from 2s to 10m', '2s', 2_000],
  ['LANE_LEASE', '601s', 'a time from 2s to 10m', '10m', 600_000],
  ['SWEEP_INTERVAL', '99ms', 'a time from 100ms to 1m', '100ms', 100],
  ['SWEEP_INTERVAL', '61s', 'a time from 100ms to 1m', '1m', 60_000],
  ['SHUTDOWN_TIMEOUT', '1h', 'a time up to 10m', '0s', 0],
  ['REQUEST_TIMEOUT', '0s', 'a time from 1s to 10m', '10m', 600_000],
  ['IMPORT_IDLE_TIMEOUT', '11m', 'a time from 1s to 10m', '1s', 1_000],
  ['MAX_EVENT_LOOP_LAG', '9ms', 'a time from 10ms to 1m', '10ms', 10],
  ['MAX_DATABASE_WAIT', '2m', 'a time from 10ms to 1m', '1m', 60_000],
  ['SMTP_TIMEOUT', '99ms', 'a time from 100ms to 5m', '5m', 300_000],
  ['MAIL_CHANGE_DELAY', '2h', 'a time up to 1h', '0s', 0],
  ['CALLBACK_TIMEOUT', '10', 'a time from 100ms to 1m', '10s', 10_000],
  ['CALLBACK_TIMEOUT', '-1s', 'a time from 100ms to 1m', '1m', 60_000],
  ['CALLBACK_TIMEOUT', '1.5s', 'a time from 100ms to 1m', '1500ms', 1_500],
];
const OVERLAP_CASES: typeof DURATION_CASES = [
  ['CALLBACK_SECRET_OVERLAP', '8d', 'a time up to 7d', '7d', 604_800_000],
  ['CALLBACK_SECRET_OVERLAP', '24', 'a time up to 7d', '0s', 0],
];
const KEPT = 'a time from 1d to 3650d, or off';
const RETENTION_CASES: [string, string, string, string, number | null][] = [
  ['RETENTION', '23h', KEPT, '1d', 86_400_000],
  ['RETENTION', '3651d', KEPT, '24h', 86_400_000],
  ['RETENTION', '0', KEPT, 'off', null],
  ['ACTION_RETENTION', '23h', KEPT, '1d', 86_400_000],
  ['ACTION_RETENTION', 'never', KEPT, 'off', null],
];
const NUMBER_CASES: [string, string, string, string, number][] = [
  ['PORT', '65536', 'a whole number from 0 to 65535', '65535', 65_535],
  ['PORT', '-1', 'a whole number from 0 to 65535', '0', 0],
  ['PORT', '80.5', 'a whole number from 0 to 65535', '80', 80],
  ['PORT', '0x50', 'a whole number from 0 to 65535', '8080', 8_080],
  ['DATABASE_POOL', '1', 'a whole number from 2 to 200', '2', 2],
  ['DATABASE_POOL', '201', 'a whole number from 2 to 200', '200', 200],
  ['MAX_PENDING_ACCOUNT', '0', 'a whole number from 1 to 100000000', '1', 1],
  ['MAX_PENDING', '0', 'a whole number from 1 to 10000000', '1', 1],
  ['REPORT_THREADS', '65', 'a whole number from 1 to 64', '64', 64],
  ['SYNC_MAX_PENDING', '0', 'a whole number from 1 to 100000', '100000', 100_000],
];
const FREE = 'a size such as 500mb or 10gb, a percentage of the disk such as 5%, or off';
const SIZE_CASES: [string, string, string, string, unknown][] = [
  ['MAX_STORAGE_ACCOUNT', '10', 'a size such as 500mb, 10gb or 2tb, or off', '2tb', 2_199_023_255_552],
  ['MAX_STORAGE_ACCOUNT', '-1gb', 'a size such as 500mb, 10gb or 2tb, or off', 'off', null],
  ['MIN_FREE_DISK', '1', FREE, '1gb', { bytes: 1_073_741_824 }],
  ['MIN_FREE_DISK', '0gb', FREE, '512mb', { bytes: 536_870_912 }],
  ['MIN_FREE_DISK', '100%', FREE, '2.5%', { share: 0.025 }],
  ['MIN_FREE_DISK', '1 gb', FREE, 'off', null],
];
const RATE = 'a limit such as 30/60s (requests/time, the time from 1s to 7d), or off';
const RATE_CASES: [string, string, string, string, unknown][] = [
  ['RATE_LIMIT_SYNC', '30', RATE, '30/60s', { limit: 30, windowMs: 60_000 }],
  ['RATE_LIMIT_SYNC', '0/60s', RATE, 'off', null],
  ['RATE_LIMIT_BATCH', '1000', RATE, '1000/60s', { limit: 1_000, windowMs: 60_000 }],
  ['RATE_LIMIT_ASYNC', '30/999ms', RATE, '1/1s', { limit: 1, windowMs: 1_000 }],
  ['RATE_LIMIT_ASYNC', '30/8d', RATE, '30/7d', { limit: 30, windowMs: 604_800_000 }],
  ['RATE_LIMIT_LOGIN', '10/60', RATE, '5/1m', { limit: 5, windowMs: 60_000 }],
  ['RATE_LIMIT_DEFAULT', '30/60s/2', RATE, '600/1m', { limit: 600, windowMs: 60_000 }],
  ['RATE_LIMIT_DEFAULT', 'OFF', RATE, 'off', null],
  ['CALLBACK_REDELIVERY_RATE', '20', RATE, '10/1s', { limit: 10, windowMs: 1_000 }],
];
const SENDER = 'an address such as events@example.com or Events <events@example.com>';
const DELAYS = 'up to 20 times such as 2s,4s,8s, each at most 7d';
const NAMESERVERS = 'addresses such as 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:53';
const STATUSES = 'statuses such as 5xx,429';
const ORIGINS = 'origins such as https://app.example.com, comma-separated';
const QUEUES = 'names such as reports,callbacks,mail';
const LIST_CASES: [string, string, string, string, unknown][] = [
  ['CALLBACK_RETRY_DELAYS', '2s,soon', DELAYS, '2s, 1m,,', [2_000, 60_000]],
  ['CALLBACK_RETRY_DELAYS', '0s', DELAYS, '1ms', [1]],
  ['CALLBACK_RETRY_DELAYS', '8d', DELAYS, '7d', [604_800_000]],
  ['CALLBACK_RETRY_DELAYS', Array(21).fill('1s').join(), DELAYS, Array(20).fill('1s').join(), Array(20).fill(1_000)],
  ['MAIL_RETRY_DELAYS', '2s,soon', 'up to 20 times such as 2s,1m,1h, each at most 7d', '2s,12h', [2_000, 43_200_000]],
  ['CALLBACK_RETRY_STATUSES', '6xx', STATUSES, '5xx,429', ['5xx', '429']],
  ['CALLBACK_RETRY_STATUSES', '5x', STATUSES, '408', ['408']],
  ['CALLBACK_DNS_SERVERS', 'ns.example', NAMESERVERS, '10.0.0.53,::1', ['10.0.0.53', '::1']],
  ['CALLBACK_DNS_SERVERS', '10.0.0.53:0', NAMESERVERS, '10.0.0.53:5353', ['10.0.0.53:5353']],
  ['CALLBACK_DNS_SERVERS', '[10.0.0.53]:53', NAMESERVERS, '[fd00::53]:53', ['[fd00::53]:53']],
  [
    'CORS_ORIGINS',
    '*',
    ORIGINS,
    'https://a.example, http://b.example:8080',
    ['https://a.example', 'http://b.example:8080'],
  ],
  ['MAIL_FROM', 'Events', SENDER, 'Events <events@example.com>', 'Events <events@example.com>'],
  ['MAIL_FROM', 'a@example.com\nBcc: b@example.com', SENDER, 'a@example.com', 'a@example.com'],
  ['HOLD', 'callbacks,mails', QUEUES, 'mail, callbacks,mail', ['callbacks', 'mail']],
  ['HOLD', 'all', QUEUES, 'reports', ['reports']],
  ['DATA_DIR', '~/daybook', 'a path without ~, which only a shell replaces', '/var/lib/daybook', '/var/lib/daybook'],
  ['BASE_CURRENCY', 'eur', 'a currency of ISO 4217, such as USD', 'EUR', 'EUR'],
  ['CALLBACK_ORDER', 'random', 'one of ordered, strict, unordered', 'strict', 'strict'],
  ['CORS_ORIGINS', 'https://a.example/', ORIGINS, 'https://a.example', ['https://a.example']],
  [
    'CORS_ORIGINS',
    'https://a@b.example',
    ORIGINS,
    'HTTPS://App.Example.com:443, http://b.example:80, http://c.example:443',
    ['https://app.example.com', 'http://b.example', 'http://c.example:443'],
  ],
  ['CORS_ORIGINS', 'https://*.a.example', ORIGINS, 'https://a.example.', ['https://a.example.']],
  ['CORS_ORIGINS', 'a.example', ORIGINS, 'http://localhost:5173', ['http://localhost:5173']],
];
const PROXIES = 'off, the number of proxies from 1 to 20, or addresses and subnets such as 10.0.0.0/8,fd00::/8';
const PROXY_CASES: [string, string, string, string, unknown][] = [
  ['TRUST_PROXY', 'on', PROXIES, 'off', false],
  ['TRUST_PROXY', '0', PROXIES, '1', 1],
  ['TRUST_PROXY', '21', PROXIES, '20', 20],
  ['TRUST_PROXY', '10.0.0.0/0', PROXIES, '10.0.0.0/8', ['10.0.0.0/8']],
  ['TRUST_PROXY', '10.0.0.0/33', PROXIES, '10.0.0.1, fd00::/8', ['10.0.0.1', 'fd00::/8']],
  ['TRUST_PROXY', '10.0.0.1,', PROXIES, '::1/128', ['::1/128']],
  ['TRUST_PROXY', 'proxy.internal', PROXIES, '127.0.0.1', ['127.0.0.1']],
];
const CHOICE_CASES: [string, string, string, string, unknown][] = [
  ['ROLE', 'both', 'one of all, api, worker', 'all', 'all'],
  ['CALLBACK_SIGNATURE', 'v2', 'one of v1, v1a, both', 'both', 'both'],
  ['REGISTRATION', 'on', 'one of open, customers, off', 'customers', 'customers'],
  ['AUTH', 'closed', 'one of open, required', 'required', 'required'],
  ['ALLOW_OPEN', 'yes', 'one of true, false', 'true', true],
  ['LOG_LEVEL', 'verbose', 'one of fatal, error, warn, log, debug', 'debug', 'debug'],
  ['LOG_FORMAT', 'xml', 'one of text, json', 'json', 'json'],
  ['DATABASE_PREPARE', 'true', 'one of on, off', 'off', false],
  ['DEMO_RECEIVER', 'yes', 'one of on, off', 'off', false],
];
const BUCKET = 'the name of a bucket: 3 to 63 of a-z, 0-9, - and .';
const FOLDER = 'up to 200 of A-Z, a-z, 0-9, _ - and ., with / between folders and not at the start';
const S3_CASES: [string, string, string, string, unknown][] = [
  ['STORAGE', 'S3', 'one of disk, s3', 's3', 's3'],
  ['S3_BUCKET', 'Reports', BUCKET, 'daybook.reports-1', 'daybook.reports-1'],
  ['S3_BUCKET', 'ab', BUCKET, 'abc', 'abc'],
  ['S3_PREFIX', '/reports', FOLDER, 'reports/daybook', 'reports/daybook/'],
  ['S3_PREFIX', 'reports/../keys', FOLDER, 'reports/', 'reports/'],
  ['S3_PREFIX', 'a b', FOLDER, 'A_.-9', 'A_.-9/'],
  ['S3_REGION', 'eu central', 'a region such as eu-central-1', 'eu-central-1', 'eu-central-1'],
  ['S3_ALLOW_HTTP', 'yes', 'one of true, false', 'true', true],
  ['S3_PATH_STYLE', 'on', 'one of true, false', 'false', false],
  ['S3_ENCRYPTION', 'aes', 'one of bucket, AES256, aws:kms', 'AES256', 'AES256'],
  ['S3_TIMEOUT', '999ms', 'a time from 1s to 10m', '10m', 600_000],
  ['S3_URL_EXPIRY', '8d', 'a time from 1s to 7d, or off', '7d', 604_800_000],
  ['S3_URL_EXPIRY', '0s', 'a time from 1s to 7d, or off', 'off', null],
];
const CASES = [
  ...DURATION_CASES,
  ...OVERLAP_CASES,
  ...RETENTION_CASES,
  ...NUMBER_CASES,
  ...RATE_CASES,
  ...SIZE_CASES,
  ...LIST_CASES,
  ...PROXY_CASES,
  ...CHOICE_CASES,
  ...S3_CASES,
];

/** Settings that are refused without others. */
const S3_BUCKET = 'reports';
const COMPANIONS: Readonly<Record<string, object>> = {
  ...Object.fromEntries(S3_CASES.map(([name]) => [name, { S3_BUCKET }])),
  S3_ENDPOINT: { S3_BUCKET },
  S3_PUBLIC_ENDPOINT: { S3_BUCKET },
};

/** Any text will do for these. */
const FREE_TEXT = {
  HOST: '::1',
  DATA_DIR: 'some/where',
  CALLBACK_ALLOW: 'a, 10.0.0.0/8',
  CALLBACK_DENY: 'b',
  NODE_ENV: 'test',
};
const ENDPOINT = 'a URL such as https://s3.example.com (http:// or https://, without a path, a user and parameters)';
const SECRETS = {
  DATABASE_URL: { allowed: 'a URL that begins with postgres:// or postgresql://', good: 'postgres://u:p@h/d' },
  DATABASE_REPLICA_URL: { allowed: 'a URL that begins with postgres:// or postgresql://', good: 'postgres://u:p@h/d' },
  REDIS_URL: { allowed: 'a URL that begins with redis:// or rediss://', good: REDIS_URL },
  SMTP_URL: { allowed: 'a URL that begins with smtp:// or smtps://', good: 'smtps://u:p@mail.example:465' },
  CALLBACK_PROXY: {
    allowed: 'a URL such as http://proxy.example:3128 (http:// or https://, without a path)',
    good: 'https://u:p%40@proxy.example:3128',
  },
  S3_ENDPOINT: { allowed: ENDPOINT, good: 'https://s3.example.com:9000' },
  S3_PUBLIC_ENDPOINT: { allowed: ENDPOINT, good: 'https://files.example.com' },
};
/** Secrets that take any text. */
const KEYS = ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'S3_KMS_KEY_ID'];

describe('parseConfig', () => {
  it.each(CASES)('rejects %s=%s in one line: it must be %s', (name, wrong, allowed) => {
    expect(refusal({ [name]: wrong })).toBe(`${name}=${JSON.stringify(wrong)} is not valid: it must be ${allowed}`);
  });

  it.each(CASES)('accepts %s', (name, _wrong, _allowed, text, value) => {
    expect(parseConfig({ ...COMPANIONS[name], [name]: text })).toMatchObject({ [name]: value });
  });

  it('is tested with every variable', () => {
    const others = [...Object.keys(FREE_TEXT), ...Object.keys(SECRETS), ...KEYS, 'CALLBACK_SECRET', 'TOKEN_SECRET'];
    const covered = [...CASES.map(([name]) => name), ...others];
    expect(new Set(covered)).toEqual(new Set(Object.keys(environmentSchema.shape)));
  });

  it('describes every variable for docs/configuration.md', () => {
    for (const schema of Object.values(environmentSchema.shape)) expect(schema.description).toEqual(expect.any(String));
  });

  it('accepts any text for variables without limits', () => {
    const { HOST, DATA_DIR, CALLBACK_ALLOW, NODE_ENV } = parseConfig(FREE_TEXT);
    expect([HOST, DATA_DIR, NODE_ENV]).toEqual(['::1', resolve('some/where'), 'test']);
    expect(CALLBACK_ALLOW).toEqual(['a', '10.0.0.0/8']);
  });

  it.each(['redis://:hunter2%zz@h', 'rediss://us%er:hunter2@h', 'redis://:hunter2@h/one', 'redis://:hunter2@h/1/2'])(
    'refuses %s, which the client could not read, without its password',
    (url) => {
      const allowed =
        'a URL with the number of a database as its path, if any, and %25 for a percent sign in a password';
      expect(refusal({ REDIS_URL: url })).toBe(`REDIS_URL=(not shown) is not valid: it must be ${allowed}`);
    },
  );

  it.each(['redis://h', 'redis://h/', 'redis://h/15', 'redis://:50%25@h:1', 'redis://[::1]/0'])('accepts %s', (url) => {
    expect(parseConfig({ REDIS_URL: url })).toMatchObject({ REDIS_URL: url });
  });

  it('accepts a token secret of 32 to 512 characters and does not show an invalid one', () => {
    for (const length of [32, 512]) {
      const secret = 'h'.repeat(length);
      expect(parseConfig({ TOKEN_SECRET: secret })).toMatchObject({ TOKEN_SECRET: secret });
    }
    const allowed = 'a random text of 32 to 512 characters';
    for (const wrong of ['hunter2', 'h'.repeat(513)])
      expect(refusal({ TOKEN_SECRET: wrong })).toBe(`TOKEN_SECRET=(not shown) is not valid: it must be ${allowed}`);
  });

  it('accepts a callback secret of 24 to 64 bytes and does not show an invalid one', () => {
    const secret = (length: number) => `whsec_${Buffer.alloc(length, 'hunter2').toString('base64')}`;
    for (const length of [24, 32, 64]) {
      expect(parseConfig({ CALLBACK_SECRET: secret(length) })).toMatchObject({ CALLBACK_SECRET: secret(length) });
    }
    const good = secret(32);
    const wrongs = [secret(23), secret(65), good.slice(6), good.slice(0, -1), `${good} `, `whsec_${'ab'.repeat(16)}!`];
    for (const wrong of wrongs) {
      expect(refusal({ CALLBACK_SECRET: wrong })).toBe(
        'CALLBACK_SECRET=(not shown) is not valid: it must be whsec_ and the base64 of 24 to 64 random bytes',
      );
    }
  });

  it.each(Object.entries(SECRETS))('accepts %s and does not show an invalid value', (name, { allowed, good }) => {
    expect(parseConfig({ ...COMPANIONS[name], [name]: good })).toMatchObject({ [name]: good });
    for (const wrong of ['mysql://root:hunter2@db', `hunter2`, good.replace('//', ''), good.replace('s:', '')]) {
      expect(refusal({ [name]: wrong })).toBe(`${name}=(not shown) is not valid: it must be ${allowed}`);
    }
  });

  it.each(['http://proxy/path', 'http://proxy?x', 'http://u:%zz@proxy', 'socks5://proxy:1080', 'http:proxy'])(
    'rejects the proxy %s',
    (CALLBACK_PROXY) => expect(refusal({ CALLBACK_PROXY })).toContain('without a path'),
  );

  it('keeps the message in one line for every value', () => {
    expect(refusal({ PORT: '30\r\n00' })).not.toMatch(/[\n\r]/);
  });

  it('names only the first invalid variable, in the order of docs/configuration.md', () => {
    expect(refusal({ PORT: 'x', MAX_PENDING: 'x' })).toMatch(/^PORT=/);
  });

  it('names the setting that replaces one of an earlier version', () => {
    expect(refusal({ MAX_PENDING_TOTAL: '5' })).toBe(
      'MAX_PENDING_TOTAL is no longer a setting: use MAX_PENDING_ACCOUNT, a limit for each account',
    );
    expect(parseConfig({ MAX_PENDING_TOTAL: '' }).MAX_PENDING_ACCOUNT).toBe(100_000);
  });

  it('requires Redis for a process of one role', () => {
    for (const ROLE of ['api', 'worker']) {
      expect(refusal({ ROLE })).toBe(`ROLE="${ROLE}" is not valid: it must be all, unless REDIS_URL is set`);
      expect(parseConfig({ ROLE, REDIS_URL })).toMatchObject({ ROLE, REDIS_URL });
    }
  });

  it('treats the empty string as not set', () => {
    const empty = Object.fromEntries(Object.keys(environmentSchema.shape).map((name) => [name, '']));
    expect(parseConfig(empty)).toEqual(parseConfig({}));
    expect(refusal({ ROLE: 'worker', REDIS_URL: '' })).toContain('unless REDIS_URL is set');
  });

  it('ignores variables of other programs', () => {
    expect(parseConfig({ PATH: '/bin', HOME: '/root' })).toEqual(parseConfig({}));
  });

  it('turns the demo receiver off in production unless it is set to on', () => {
    expect(parseConfig({}).DEMO_RECEIVER).toBe(true);
    expect(parseConfig({ NODE_ENV: 'production' }).DEMO_RECEIVER).toBe(false);
    expect(parseConfig({ NODE_ENV: 'production', DEMO_RECEIVER: 'on' }).DEMO_RECEIVER).toBe(true);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'daybook.internal', '127.0.0.1.example'])(
    'rejects AUTH=open on HOST=%s, unless ALLOW_OPEN=true',
    (HOST) => {
      expect(refusal({ HOST })).toBe(
        `HOST="${HOST}" is not valid: it must be a loopback address, unless AUTH=required or ALLOW_OPEN=true is set`,
      );
      expect(parseConfig({ HOST, ALLOW_OPEN: 'true' })).toMatchObject({ HOST, ALLOW_OPEN: true });
      expect(parseConfig({ HOST, AUTH: 'required' })).toMatchObject({ HOST, ALLOW_OPEN: false });
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('accepts AUTH=open on HOST=%s', (HOST) => {
    expect(parseConfig({ HOST })).toMatchObject({ HOST, AUTH: 'open' });
  });

  it('rejects the demo receiver where every call needs a key', () => {
    expect(parseConfig({ AUTH: 'required' }).DEMO_RECEIVER).toBe(false);
    expect(refusal({ AUTH: 'required', DEMO_RECEIVER: 'on' })).toBe(
      'DEMO_RECEIVER="on" is not valid: it must be off with AUTH=required',
    );
  });

  it.each([
    [{ STORAGE: 's3' }, 'STORAGE="s3" is not valid: S3_BUCKET is not set'],
    [{ S3_ENDPOINT: 'https://s3.example.com' }, 'S3_ENDPOINT is set, but S3_BUCKET is not'],
    [{ S3_BUCKET, S3_ACCESS_KEY_ID: 'hunter2' }, 'S3_ACCESS_KEY_ID is set, but S3_SECRET_ACCESS_KEY is not'],
    [{ S3_BUCKET, S3_SECRET_ACCESS_KEY: 'hunter2' }, 'S3_SECRET_ACCESS_KEY is set, but S3_ACCESS_KEY_ID is not'],
    [{ S3_BUCKET, S3_KMS_KEY_ID: 'hunter2' }, 'S3_KMS_KEY_ID is set, but S3_ENCRYPTION is not aws:kms'],
    [
      { S3_BUCKET, S3_ENDPOINT: 'http://s3.internal:9000' },
      'S3_ENDPOINT="http://s3.internal:9000" is not valid: it must begin with https://, unless S3_ALLOW_HTTP=true is set',
    ],
    [
      { S3_BUCKET, S3_PUBLIC_ENDPOINT: 'http://files.example.com' },
      'S3_PUBLIC_ENDPOINT="http://files.example.com" is not valid: it must begin with https://, unless S3_ALLOW_HTTP=true is set',
    ],
  ])('refuses half of a storage: %j', (settings, message) => {
    expect(refusal(settings as Record<string, string>)).toBe(message);
  });

  it('accepts a storage without keys, with keys, with a key of KMS, and over HTTP by choice or on this host', () => {
    const KEY = { S3_ACCESS_KEY_ID: 'an id', S3_SECRET_ACCESS_KEY: 'a secret' };
    const KMS = { S3_ENCRYPTION: 'aws:kms', S3_KMS_KEY_ID: 'arn:aws:kms:…' };
    const HTTP = { S3_ENDPOINT: 'http://s3.internal:9000', S3_ALLOW_HTTP: 'true' };
    const LOCAL = { S3_ENDPOINT: 'http://127.0.0.1:9000', S3_PUBLIC_ENDPOINT: 'http://localhost:9000' };
    for (const settings of [{}, KEY, KMS, HTTP, LOCAL])
      expect(parseConfig({ STORAGE: 's3', S3_BUCKET, ...settings })).toMatchObject({ STORAGE: 's3', S3_BUCKET });
  });

  it('has the defaults of the contract', () => {
    expect(parseConfig({})).toEqual({
      ROLE: 'all',
      PORT: 3_000,
      HOST: '127.0.0.1',
      AUTH: 'open',
      ALLOW_OPEN: false,
      LOG_LEVEL: 'log',
      LOG_FORMAT: 'text',
      DATA_DIR: resolve('.daybook'),
      DATABASE_POOL: 10,
      DATABASE_PREPARE: true,
      HOLD: [],
      MAX_PENDING: 1_000,
      MAX_PENDING_ACCOUNT: 100_000,
      MAX_EVENT_LOOP_LAG: 1_000,
      MAX_DATABASE_WAIT: 5_000,
      SYNC_MAX_PENDING: 256,
      REPORT_TIMEOUT: 600_000,
      STORAGE: 'disk',
      S3_REGION: 'us-east-1',
      S3_ALLOW_HTTP: false,
      S3_ENCRYPTION: 'bucket',
      S3_TIMEOUT: 30_000,
      S3_URL_EXPIRY: 300_000,
      MAX_STORAGE_ACCOUNT: 10_737_418_240,
      LANE_LEASE: 15_000,
      SWEEP_INTERVAL: 2_000,
      RETENTION: 2_592_000_000,
      ACTION_RETENTION: 7_776_000_000,
      SHUTDOWN_TIMEOUT: 30_000,
      REQUEST_TIMEOUT: 30_000,
      IMPORT_IDLE_TIMEOUT: 30_000,
      RATE_LIMIT_SYNC: { limit: 30, windowMs: 60_000 },
      RATE_LIMIT_ASYNC: { limit: 60, windowMs: 60_000 },
      RATE_LIMIT_BATCH: { limit: 1_000, windowMs: 60_000 },
      RATE_LIMIT_LOGIN: { limit: 10, windowMs: 60_000 },
      RATE_LIMIT_DEFAULT: { limit: 600, windowMs: 60_000 },
      TRUST_PROXY: false,
      CALLBACK_ALLOW: [],
      CALLBACK_DENY: [],
      CALLBACK_DNS_SERVERS: [],
      CALLBACK_TIMEOUT: 10_000,
      CALLBACK_RETRY_DELAYS: [2_000, 4_000, 8_000],
      CALLBACK_RETRY_STATUSES: ['5xx'],
      CALLBACK_REDELIVERY_RATE: { limit: 1_200, windowMs: 60_000 },
      CALLBACK_ORDER: 'ordered',
      CALLBACK_SIGNATURE: 'v1',
      CALLBACK_SECRET_OVERLAP: 86_400_000,
      MAIL_FROM: 'Daybook <daybook@localhost>',
      SMTP_TIMEOUT: 10_000,
      MAIL_RETRY_DELAYS: [2_000, 10_000, 60_000, 300_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000],
      MAIL_CHANGE_DELAY: 2_000,
      BASE_CURRENCY: 'USD',
      REGISTRATION: 'open',
      CORS_ORIGINS: [],
      DEMO_RECEIVER: true,
      NODE_ENV: 'development',
    });
  });

  it('freezes the settings, their lists and their limits', () => {
    const config = parseConfig({ CALLBACK_ALLOW: 'a' });
    for (const value of [config, config.CALLBACK_ALLOW, config.RATE_LIMIT_SYNC])
      expect(Object.isFrozen(value)).toBe(true);
  });
});
