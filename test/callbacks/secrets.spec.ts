/**
 * Each account has always exactly one newest secret, even if many processes start, rotate or change it concurrently.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { CallbackSecret } from '../../src/callbacks/signing/callback-secret.entity.js';
import { CallbackSecretRepository, MAX_VALID_SECRETS } from '../../src/callbacks/signing/callback-secret.repository.js';
import {
  CallbackSecretsService,
  stepAtStart,
  TooManyCallbackSecrets,
} from '../../src/callbacks/signing/callback-secrets.service.js';
import { generateSecret, publicKeyOf, readPublicKey, readSecret } from '../../src/callbacks/signing/signature.js';
import { AccountNames } from '../../src/accounts/account-names.js';
import { Account } from '../../src/accounts/account.entity.js';
import { dataSourceOptions } from '../../src/app/data-source.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { OPEN_INSTALLATION } from '../../src/platform/tenant.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let testDatabase: TestDatabase;
let dataSource: DataSource;
let secrets: CallbackSecretRepository;
let names: AccountNames;

beforeAll(async () => {
  Logger.overrideLogger(false);
  testDatabase = await createDatabase();
  dataSource = await new DataSource(dataSourceOptions(testDatabase.url, 20)).initialize();
  secrets = new CallbackSecretRepository(dataSource.getRepository(CallbackSecret));
  names = new AccountNames(dataSource.getRepository(Account));
});
beforeEach(() => dataSource.query('DELETE FROM callback_secrets'));
afterAll(async () => {
  await dataSource.destroy();
  await testDatabase.drop();
});

/** Starts a process with this secret in its environment. */
async function started(secret?: string, overlapMs = DAY_MS): Promise<CallbackSecretsService> {
  const config = {
    CALLBACK_SECRET: secret,
    CALLBACK_SECRET_OVERLAP: overlapMs,
    CALLBACK_SIGNATURE: 'v1',
    AUTH: 'open',
  } as const;
  const service = new CallbackSecretsService(secrets, config, names);
  await service.prepare();
  return service;
}

const valid = async (): Promise<string[]> => (await secrets.valid([OPEN_INSTALLATION])).map(({ secret }) => secret);

/** Lets time pass: moves all times into the past. */
async function pass(ms: number): Promise<void> {
  await dataSource.query(
    `UPDATE callback_secrets SET expires_at = expires_at - $1 * interval '1 millisecond',
    created_at = created_at - $1 * interval '1 millisecond'`,
    [ms],
  );
}

describe('the first secret', () => {
  it('is generated once when many processes start', async () => {
    await Promise.all(Array.from({ length: 20 }, () => started()));
    const [secret, ...others] = await valid();
    expect(others).toEqual([]);
    expect(readSecret(secret!).symmetricKeySize).toBe(32);
    await started();
    expect(await valid()).toEqual([secret]);
  });

  it('is the configured one', async () => {
    const secret = generateSecret();
    await Promise.all(Array.from({ length: 20 }, () => started(secret)));
    expect(await valid()).toEqual([secret]);
  });
});

describe('a secret in the environment', () => {
  it('rotates once when it changes, with the configured overlap, even if many processes start', async () => {
    const [first, second] = [generateSecret(), generateSecret()];
    await started(first);
    await Promise.all(Array.from({ length: 20 }, () => started(second, HOUR_MS)));
    expect(await valid()).toEqual([second, first]);
    const [, old] = await secrets.valid([OPEN_INSTALLATION]);
    expect(old!.expiresInMs).toBeGreaterThan(HOUR_MS - 60_000);
    expect(old!.expiresInMs).toBeLessThanOrEqual(HOUR_MS);
    await pass(HOUR_MS);
    expect(await valid()).toEqual([second]);
  });

  it('is not restored by a restart after a rotation over the API, even when it has expired', async () => {
    const secret = generateSecret();
    const service = await started(secret);
    await service.rotate(null, 0);
    const [rotated, ...others] = await valid();
    expect([rotated === secret, others]).toEqual([false, []]);
    await service.rotate(null, 0);
    const after = await valid();
    await started(secret);
    await started();
    expect(await valid()).toEqual(after);
  });

  it('signs first again when it is changed back', async () => {
    const [first, second] = [generateSecret(), generateSecret()];
    for (const secret of [first, second, first]) await started(secret);
    expect(await valid()).toEqual([first, second]);
    await pass(DAY_MS);
    expect(await valid()).toEqual([first]);
  });

  it('changes nothing when it is already the newest', async () => {
    const service = await started();
    const [secret] = await valid();
    await started(secret);
    expect(await valid()).toEqual([secret]);
    await service.rotate(null, 0);
    const after = await valid();
    await started(secret);
    expect(await valid()).toEqual(after);
  });

  it('changes nothing when it is removed', async () => {
    const secret = generateSecret();
    await started(secret);
    await started();
    expect(await valid()).toEqual([secret]);
  });
});

describe('a rotation', () => {
  it('adds a new first secret, and expires each old one at its own time', async () => {
    const service = await started();
    await service.rotate(null, HOUR_MS);
    await service.rotate(null, 2 * HOUR_MS);
    const [third, second, first, ...others] = await valid();
    expect(others).toEqual([]);
    await pass(HOUR_MS);
    expect(await valid()).toEqual([third, second]);
    await pass(HOUR_MS);
    expect(await valid()).toEqual([third]);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  it('shortens the validity of all old ones to its overlap', async () => {
    const service = await started();
    await service.rotate(null, DAY_MS);
    await service.rotate(null, HOUR_MS);
    await pass(HOUR_MS);
    expect(await valid()).toHaveLength(1);
    await service.rotate(null, DAY_MS);
    await service.rotate(null, 0);
    expect(await valid()).toHaveLength(1);
  });

  it('is serialized with concurrent ones', async () => {
    const service = await started();
    const services = await Promise.all([started(), started(), started()]);
    await Promise.all([service, ...services].map((each) => each.rotate(null, HOUR_MS)));
    const rotated = await secrets.valid([OPEN_INSTALLATION]);
    expect(rotated).toHaveLength(5);
    expect(rotated.map(({ expiresAt }) => expiresAt === null)).toEqual([true, false, false, false, false]);
  });

  it('is refused when too many are valid, unless it expires the old ones', async () => {
    const service = await started();
    for (let count = 1; count < MAX_VALID_SECRETS; count++) await service.rotate(null, HOUR_MS);
    const before = await valid();
    expect(before).toHaveLength(MAX_VALID_SECRETS);
    await expect(service.rotate(null, HOUR_MS)).rejects.toThrow(TooManyCallbackSecrets);
    expect(await valid()).toEqual(before);
    await service.rotate(null, 0);
    expect(await valid()).toHaveLength(1);
  });

  it('adds a new Ed25519 key', async () => {
    const service = await started();
    await service.rotate(null, HOUR_MS);
    const keys = (await secrets.valid([OPEN_INSTALLATION])).map(({ privateKey }) => publicKeyOf(privateKey));
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(readPublicKey(key).asymmetricKeyType).toBe('ed25519');
    expect(JSON.stringify(await service.list(null))).not.toMatch(/whsk_/);
    expect(JSON.stringify(await service.publicKeys(null))).not.toMatch(/whsk_|whsec_/);
  });

  it('deletes expired secrets, except the last one of the environment', async () => {
    const secret = generateSecret();
    const service = await started(secret);
    for (let count = 0; count < 5; count++) await service.rotate(null, 0);
    const known = await secrets.known(OPEN_INSTALLATION);
    expect(known.map((one) => one.secret)).toEqual([...(await valid()), secret]);
  });
});

describe('a start', () => {
  const [a, b] = ['a', 'b'];
  const own = (secret: string) => ({ secret, fromEnvironment: false });
  const given = (secret: string) => ({ secret, fromEnvironment: true });
  const cases: [string, Parameters<typeof stepAtStart>[0], string | undefined, ReturnType<typeof stepAtStart>][] = [
    ['no secret and none configured', [], undefined, 'add'],
    ['no secret and one configured', [], a, 'add'],
    ['a secret and none configured', [own(a)], undefined, 'nothing'],
    ['another one configured', [own(a)], b, 'add'],
    ['the same one configured', [own(a)], a, 'adopt'],
    ['the one that was configured last', [given(a)], a, 'nothing'],
    ['the same, rotated away since', [own(b), given(a)], a, 'nothing'],
    ['one that was configured before the last', [given(b), given(a)], a, 'add'],
  ];
  it.each(cases)('with %s', (_, known, configured, step) => {
    expect(stepAtStart(known, configured)).toBe(step);
  });
});

describe('an account', () => {
  const [acme, globex] = ['019ca952-7a00-7c41-8d2e-5f6071829301', '019ca952-7a00-7c41-8d2e-5f6071829302'];
  const config = { CALLBACK_SECRET: undefined, CALLBACK_SECRET_OVERLAP: DAY_MS, CALLBACK_SIGNATURE: 'v1' } as const;
  /** A process of an installation with accounts. */
  const process = () => new CallbackSecretsService(secrets, { ...config, AUTH: 'required' }, names);
  const textsOf = async (id: string): Promise<string[]> => (await secrets.valid([id])).map(({ secret }) => secret);

  beforeAll(() =>
    dataSource.query(`INSERT INTO accounts (id, name) VALUES ($1, 'acme'), ($2, 'globex')`, [acme, globex]),
  );

  it('gets its own secret and key when many processes need it first', async () => {
    await process().onModuleInit();
    expect(await dataSource.getRepository(CallbackSecret).count()).toBe(0);
    const read = await Promise.all(Array.from({ length: 10 }, () => process().signing([acme, globex])));
    const [first] = read;
    expect([...first!].map(([id, { name, secrets: own }]) => [id, name, own.length])).toEqual([
      [acme, 'acme', 1],
      [globex, 'globex', 1],
    ]);
    for (const one of read)
      expect(one).toEqual(new Map([...first!].map(([id, own]) => [id, expect.objectContaining({ name: own.name })])));
    expect(await dataSource.getRepository(CallbackSecret).count()).toBe(2);
    const [[mine], [theirs]] = await Promise.all([secrets.valid([acme]), secrets.valid([globex])]);
    expect(mine!.secret).not.toBe(theirs!.secret);
    expect(mine!.privateKey).not.toBe(theirs!.privateKey);
  });

  it('rotates and lists its own secrets only', async () => {
    const service = process();
    await service.signing([acme, globex]);
    const theirs = await textsOf(globex);
    for (let count = 1; count < MAX_VALID_SECRETS; count++) await service.rotate(acme, HOUR_MS);
    await expect(service.rotate(acme, HOUR_MS)).rejects.toThrow(TooManyCallbackSecrets);
    expect(await textsOf(globex)).toEqual(theirs);
    await service.rotate(globex, HOUR_MS);
    await service.rotate(globex, 0);
    expect([(await textsOf(acme)).length, (await textsOf(globex)).length]).toEqual([MAX_VALID_SECRETS, 1]);
    const listed = JSON.stringify([await service.list(globex), await service.publicKeys(globex)]);
    for (const secret of await textsOf(acme)) expect(listed).not.toContain(secret);
  });

  it('shares no secret with the open installation', async () => {
    const configured = generateSecret();
    await started(configured);
    const signing = await process().signing([acme, OPEN_INSTALLATION]);
    expect(signing.get(OPEN_INSTALLATION)).toMatchObject({ name: 'open', secrets: [{ secret: configured }] });
    expect(signing.get(acme)!.secrets.map(({ secret }) => secret)).not.toContain(configured);
  });
});
