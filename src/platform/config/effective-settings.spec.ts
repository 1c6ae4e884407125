import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { environmentSchema, parseConfig, readConfig } from './config.js';
import { type EffectiveSetting, effectiveSettings } from './effective-settings.js';

const shown = (environment: Record<string, string>, fromFile: string[] = []): Map<string, EffectiveSetting> =>
  new Map(
    effectiveSettings(parseConfig(environment), environment, new Set(fromFile)).map((setting) => [
      setting.name,
      setting,
    ]),
  );
const VARIABLES = Object.keys(environmentSchema.shape) as (keyof typeof environmentSchema.shape)[];

describe('effectiveSettings', () => {
  it('has every setting once, in the order of the documentation, with its description', () => {
    const settings = effectiveSettings(parseConfig({}), {}, new Set());
    expect(settings.map(({ name, description }) => [name, description])).toEqual(
      VARIABLES.map((name) => [name, environmentSchema.shape[name].description]),
    );
    for (const { description, section } of settings) expect([description, section]).not.toContain('');
  });

  it.each(VARIABLES)('shows the default of %s in a form in which it can be set', (name) => {
    const { value, source } = shown({}).get(name)!;
    expect(source).toBe('default');
    const schema = environmentSchema.shape[name];
    // The demo receiver has no default of its own.
    const expected = name === 'DEMO_RECEIVER' ? true : schema.parse(undefined);
    if (value === null) expect(expected ?? []).toEqual([]);
    else expect(schema.parse(value)).toEqual(expected);
  });

  it.each([
    ['RETENTION', '30d'],
    ['RATE_LIMIT_SYNC', '30/60s'],
    ['MAX_STORAGE_ACCOUNT', '10gb'],
    ['CALLBACK_RETRY_DELAYS', '2s,4s,8s'],
    ['TRUST_PROXY', 'off'],
    ['DATABASE_PREPARE', 'on'],
    ['ALLOW_OPEN', 'false'],
    ['DEMO_RECEIVER', 'on'],
    ['PORT', '3000'],
    ['REDIS_URL', null],
    ['HOLD', null],
  ])('shows the default of %s as %j', (name, value) => expect(shown({}).get(name)).toMatchObject({ value }));

  it('shows where a setting comes from', () => {
    const settings = shown({ PORT: '4000', RETENTION: 'off', LOG_LEVEL: '', HOLD: 'mail, reports' }, ['RETENTION']);
    expect(settings.get('PORT')).toMatchObject({ value: '4000', source: 'environment', section: 'process' });
    expect(settings.get('RETENTION')).toMatchObject({ value: 'off', source: 'file', section: 'jobs' });
    expect(settings.get('LOG_LEVEL')).toMatchObject({ value: 'log', source: 'default' });
    expect(settings.get('HOLD')).toMatchObject({ value: 'mail, reports', section: 'queues' });
  });

  it('knows the settings of .env, without those that the environment overrides', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'daybook-settings-'));
    const [before, environment] = [process.cwd(), { ...process.env }];
    try {
      await writeFile(join(folder, '.env'), 'MAX_PENDING=77\nMAX_DATABASE_WAIT=7s\n');
      process.chdir(folder);
      process.env.MAX_DATABASE_WAIT = '8s';
      const settings = effectiveSettings(readConfig());
      const found = (name: string) => settings.find((setting) => setting.name === name);
      expect(found('MAX_PENDING')).toMatchObject({ value: '77', source: 'file' });
      expect(found('MAX_DATABASE_WAIT')).toMatchObject({ value: '8s', source: 'environment' });
    } finally {
      process.chdir(before);
      process.env = environment;
      await rm(folder, { recursive: true });
    }
  });

  it('shows what follows from another setting', () => {
    expect(shown({ AUTH: 'required' }).get('DEMO_RECEIVER')).toMatchObject({ value: 'off', source: 'default' });
    expect(shown({ DATA_DIR: '/srv/../srv/daybook' }).get('DATA_DIR')).toMatchObject({ value: '/srv/daybook' });
  });

  it('names secrets without their value, whether or not they are set', () => {
    const secrets = {
      CALLBACK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      TOKEN_SECRET: 'a secret of thirty-two characters',
      S3_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      S3_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      S3_KMS_KEY_ID: 'arn:aws:kms:eu-central-1:111122223333:key/1',
    };
    const settings = shown({ ...secrets, S3_BUCKET: 'reports', S3_ENCRYPTION: 'aws:kms' });
    for (const name of Object.keys(secrets)) {
      expect(settings.get(name)).toMatchObject({ value: null, is_secret: true, source: 'environment' });
      expect(shown({}).get(name)).toMatchObject({ value: null, is_secret: true, source: 'default' });
    }
    expect([...settings.values()].filter((setting) => setting.is_secret)).toHaveLength(5);
  });

  it.each([
    [
      'DATABASE_URL',
      'postgres://daybook:hunter2@db.example:5432/books',
      'postgres://daybook:***@db.example:5432/books',
    ],
    ['DATABASE_URL', 'postgres://daybook@db.example/books?password=hunter2', 'postgres://***@db.example/books?***'],
    ['DATABASE_URL', 'postgres://db.example/books', 'postgres://db.example/books'],
    ['DATABASE_URL', 'postgresql://u:hunter2%40x@[::1]/books', 'postgresql://u:***@[::1]/books'],
    ['REDIS_URL', 'rediss://:hunter2@cache.example:6379/1', 'rediss://:***@cache.example:6379/1'],
    ['SMTP_URL', 'smtp://mailer:hunter2@mail.example:587', 'smtp://mailer:***@mail.example:587'],
    ['CALLBACK_PROXY', 'http://hunter2@proxy.example:3128', 'http://***@proxy.example:3128/'],
  ])('hides the password in %s=%s', (name, value, expected) => {
    const settings = shown({ [name]: value });
    expect(settings.get(name)).toMatchObject({ value: expected, is_secret: false });
    expect(JSON.stringify([...settings.values()])).not.toContain('hunter2');
  });
});
