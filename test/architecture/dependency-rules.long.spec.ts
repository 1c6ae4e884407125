/**
 * The order of folders in docs/architecture.md. `npm run lint` checks the repository with the same rules before each
 * commit, so that this file, which also proves that they find something, runs with the long tests.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { ROOT } from '../support/source.js';

const CRUISER = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const RULES = join(ROOT, '.dependency-cruiser.cjs');

interface Report {
  summary: { violations: { rule: { name: string }; from: string }[]; totalCruised: number };
}

/** Returns the violations of the rules as `rule: file`. */
async function violations(cwd: string, ...folders: string[]): Promise<string[]> {
  const given = [CRUISER, '--config', RULES, '--output-type', 'json', ...folders];
  const { stdout } = await promisify(execFile)(process.execPath, given, { cwd, maxBuffer: 1 << 28 });
  const { violations: found, totalCruised } = (JSON.parse(stdout) as Report).summary;
  expect(totalCruised).toBeGreaterThan(0);
  return found.map(({ rule, from }) => `${rule.name}: ${from}`);
}

/** Writes files to a new folder. Each exports a value and imports the given paths. */
async function plant(files: Record<string, string[]>): Promise<string> {
  const folder = await temporaryFolder();
  const all = { 'tsconfig.json': '{"compilerOptions":{"module":"nodenext","target":"es2023"}}', 'package.json': '{}' };
  const sources = Object.entries(files).map(([path, imports]) => {
    const lines = imports.map((imported, index) => `import { value as v${index} } from '${imported}';`);
    return [path, [...lines, `export const value = [${imports.map((_, index) => `v${index}`).join()}];`].join('\n')];
  });
  for (const [path, text] of [...Object.entries(all), ...sources] as [string, string][]) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

describe('dependency-cruiser', () => {
  it('finds no violation in the repository', async () => {
    expect(await violations(ROOT, 'src', 'migrations', 'bench')).toEqual([]);
  });

  /** A violation of each rule. They share no file, so that one run finds them all. */
  const PLANTED: [string, Record<string, string[]>][] = [
    [
      'platform-imports-downwards: src/platform/low.ts',
      { 'src/platform/low.ts': ['../jobs/high.js'], 'src/jobs/high.ts': [] },
    ],
    ['known-folders: src/utils/a.ts', { 'src/utils/a.ts': ['./b.js'], 'src/utils/b.ts': [] }],
    ['no-circles: src/jobs/a.ts', { 'src/jobs/a.ts': ['./b.js'], 'src/jobs/b.ts': ['./a.js'] }],
    [
      'stores-are-private: src/jobs/reader.ts',
      { 'src/jobs/reader.ts': ['../requests/b.store.js'], 'src/requests/b.store.ts': [] },
    ],
    ['entry-points-are-not-imported: src/app/a.ts', { 'src/app/a.ts': ['../main.js'], 'src/main.ts': [] }],
    [
      'the-service-knows-no-test-and-no-benchmark: src/app/tester.ts',
      { 'src/app/tester.ts': ['../../test/b.js'], 'test/b.ts': [] },
    ],
  ];
  let found: string[];
  beforeAll(async () => {
    const files = PLANTED.map(([, planted]) => planted);
    expect(new Set(files.flatMap((planted) => Object.keys(planted))).size).toBe(2 * PLANTED.length);
    found = await violations(await plant(Object.assign({}, ...files) as Record<string, string[]>), 'src');
  });

  it.each(PLANTED.map(([violation]) => violation))('finds a planted violation of %s', (violation) => {
    expect(found).toContain(violation);
  });
});
