/** Dependencies are pinned by hash or exact version, and the audit reports whether it was able to check them. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, utimes, writeFile } from 'node:fs/promises';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { temporaryFolder } from '../support/folder.js';
import { readDocument } from '../support/markdown.js';
import { ROOT, serviceSources, sourcesIn } from '../support/source.js';

interface Entry {
  version?: string;
  integrity?: string;
  resolved?: string;
  /** In the archive of the package that bundles it, and covered by its hash. */
  inBundle?: boolean;
  optionalDependencies?: Record<string, string>;
}

const locked = JSON.parse(readDocument('package-lock.json')) as { packages: Record<string, Entry> };
const packages = Object.entries(locked.packages).filter(([path, { inBundle }]) => path !== '' && !inBundle);

/** Whether the lock has a package where Node would find it from `path`. */
function isLocked(path: string, name: string): boolean {
  const above = path.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '');
  if (locked.packages[join(path, 'node_modules', name)]) return true;
  return path !== '' && isLocked(above, name);
}

describe('package-lock.json', () => {
  it('has a hash for every package and no registry URL', () => {
    expect(packages.length).toBeGreaterThan(500);
    expect(packages.filter(([, { integrity }]) => !/^sha512-\S+$/.test(integrity ?? ''))).toEqual([]);
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it('has the packages of every platform', () => {
    const lacking = packages.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
    );
    expect(lacking).toEqual([]);
  });
});

it('package.json has every package that the service imports as a dependency, so that production installs it', () => {
  const { dependencies } = JSON.parse(readDocument('package.json')) as { dependencies: object };
  const imported = [...serviceSources(), ...sourcesIn('migrations')].flatMap(({ text }) =>
    [...text.matchAll(/(?:\bfrom '|^import '|\bimport\(')((?:@[^/']+\/)?[^./'][^/']*)/gm)].map(([, name]) => name!),
  );
  const used = new Set(imported.filter((name) => !name.startsWith('node:')));
  expect(used.size).toBeGreaterThan(10);
  expect([...used].filter((name) => !Object.hasOwn(dependencies, name))).toEqual([]);
});

describe('versions', () => {
  it('of GitHub actions are commits', () => {
    const folder = '.github/workflows';
    const workflows = readdirSync(join(ROOT, folder)).map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
    const used = workflows.flatMap((text) => [...text.matchAll(/\buses: *(.*)$/gm)].map(([, action]) => action!));
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) expect(action).toMatch(/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    for (const text of workflows) expect(text).not.toMatch(/runs-on: .*latest/);
  });

  it('of container images are exact', () => {
    const { services } = parse(readDocument('docker/compose.yml'), { merge: true }) as {
      services: Record<string, { image: string; build?: object }>;
    };
    const foreign = Object.values(services).filter(({ build }) => build === undefined);
    const bases = [...readDocument('docker/Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!);
    const images = [...foreign.map(({ image }) => image), ...bases];
    expect(images.length).toBeGreaterThanOrEqual(4);
    const exact = /^[a-z/]+:(?:\d+\.\d+(\.\d+)?-[a-z]+(-slim)?|RELEASE\.\d{4}-\d\d-\d\dT[\d-]+Z)$/;
    for (const image of images) expect(image).toMatch(exact);
  });
});

/** Runs a script of the repository and waits for it to exit. */
async function run(
  script: string,
  cwd: string,
  env: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [script], { cwd, env: { PATH: process.env.PATH, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describe('npm run audit', () => {
  /** Audits against a registry that the test serves. */
  async function audit(answer: RequestListener, env: Record<string, string> = {}) {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const settings = {
      npm_config_registry: registry,
      npm_config_cache: await temporaryFolder(),
      npm_config_fetch_retry_mintimeout: '10', // npm waits 10 s before it tries again.
      HOME: ROOT,
    };
    try {
      return await run(join(ROOT, 'scripts/audit.js'), ROOT, { ...settings, ...env });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('fails on a vulnerability of high severity', async () => {
    const advisory = { id: 1, url: 'https://example.com/1', title: 'Bad', severity: 'high', vulnerable_versions: '*' };
    const { code, output } = await audit((request, response) => {
      response.setHeader('content-type', 'application/json');
      const isAudit = request.method === 'POST';
      response.writeHead(isAudit ? 200 : 404).end(JSON.stringify(isAudit ? { uuid: [advisory] } : {}));
    });
    expect([code, output]).toEqual([1, expect.stringMatching(/^high: uuid .*\nAudit: [1-9]\d* high, 0 critical$/m)]);
  });

  it('passes without one and prints the counts', async () => {
    const empty: RequestListener = (_, response) => response.setHeader('content-type', 'application/json').end('{}');
    expect(await audit(empty)).toEqual({ code: 0, output: 'Audit: 0 high, 0 critical\n' });
  });

  it.each<[string, RequestListener, string]>([
    ['refuses', (_, response) => response.writeHead(405).end(), '10000'],
    ['closes the connection', (request) => request.destroy(), '10000'],
    ['sends no advisories', (_, response) => response.end('<html>'), '10000'],
    ['never answers', () => undefined, '2000'],
  ])('prints "not checked" and passes when the registry %s', async (_, answer, AUDIT_TIMEOUT_MS) => {
    const { code, output } = await audit(answer, { AUDIT_TIMEOUT_MS, GITHUB_ACTIONS: 'true' });
    expect([code, output]).toEqual([0, expect.stringMatching(/^Audit: not checked, because .+\n$/m)]);
    expect(output).toContain('::warning title=Audit::Audit: not checked');
  });

  it('prints its result last in CI', () => {
    const text = readDocument('.ci/run');
    expect(text).toMatch(/^npm run audit \| tee "\$results\/audit"$/m);
    expect(text).toMatch(/grep -h '\^Audit:' "\$results\/audit".*\n +node test\/support\/tally\.js/);
  });
});

describe('npm start', () => {
  it('does not wait for a process that has the reused id of a crashed installer', async () => {
    const folder = await temporaryFolder();
    await cp(join(ROOT, 'scripts'), join(folder, 'scripts'), { recursive: true });
    await mkdir(join(folder, 'node_modules'));
    await writeFile(join(folder, 'node_modules/.package-lock.json'), '{}');
    await utimes(join(folder, 'node_modules/.package-lock.json'), 1, 1);
    const project = { name: 'x', version: '1.0.0', type: 'module' };
    await writeFile(join(folder, 'package.json'), JSON.stringify(project));
    const text = JSON.stringify({ ...project, lockfileVersion: 3, requires: true, packages: { '': project } });
    await writeFile(join(folder, 'package-lock.json'), text);
    const name = createHash('sha256').update(join(folder, '/')).digest('hex').slice(0, 12);
    await mkdir(join(folder, `daybook-prepare-${name}`));
    // The id is that of this process, but the start time differs.
    await writeFile(join(folder, `daybook-prepare-${name}`, 'pid'), `${process.pid}\n1`);
    const env = { TMPDIR: folder, HOME: folder, npm_config_cache: folder };
    const { code, output } = await run(join(folder, 'scripts/prepare.js'), folder, env);
    expect([code, output]).toEqual([0, expect.stringContaining('installing packages')]);
  });
});

it('no code starts a program through a shell', () => {
  const scripts = readdirSync(join(ROOT, 'scripts')).map((name) => `scripts/${name}`);
  const files = [
    ...sourcesIn('src'),
    ...sourcesIn('bench'),
    ...scripts.map((path) => ({ path, text: readDocument(path) })),
  ];
  const isThroughShell = /\bshell: (?!false)|\bexec(Sync)?\b.* from 'node:child_process'/;
  const offenders = files.filter(({ path, text }) => !path.endsWith('.spec.ts') && isThroughShell.test(text));
  expect(offenders.map(({ path }) => path)).toEqual([]);
});
