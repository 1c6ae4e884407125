/** The example report types in docs/adding-a-report.md work as printed. */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import ts from 'typescript';
import type { NewEntry } from '../../src/books/journal/journal-entry.js';
import { newBooks, postEntries } from '../books/books-fixture.js';
import { temporaryFolder } from '../support/folder.js';
import { blocksOf, readDocument } from '../support/markdown.js';
import { Shell } from '../support/shell.js';
import { jsonDifference } from '../support/shown.js';
import { openStores } from '../support/stores.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs scripts in a folder with the built service, to which a file was added. */
async function withReport(file: string, source: string): Promise<Shell> {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  const home = await temporaryFolder();
  await cp(join(ROOT, 'dist'), join(home, 'dist'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(home, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(home, 'node_modules'));
  await writeFile(join(home, 'dist/src', file), outputText);
  await mkdir(join(home, 'data'));
  return new Shell(home);
}

const shownIn = (heading: string, languages: string[]): string[] => {
  const blocks = blocksOf(readDocument('docs/adding-a-report.md'), heading);
  return languages.map((language) => blocks.find((block) => block.language === language)!.text);
};

it('generates the report from the one file', async () => {
  const [source, shown] = shownIn('The file', ['ts', 'json']);
  const shell = await withReport('reports/types/interest.report.js', source!);
  const generate = `import generate from './dist/src/reports/generation/generate.worker.js';
    const [{ outcome }] = await generate(JSON.parse(process.argv[1]));
    console.log(JSON.stringify({ ...outcome, result: JSON.parse(outcome.result) }));`;
  const task = {
    type: 'interest',
    params: { principal_cents: 100_000, rate_percent: 5, years: 3 },
    format: 'csv',
    requestId: '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55',
    fileId: 'f1',
  };
  const batch = { tasks: [task], filePath: 'data/f1.csv' };
  const printed = await shell.run(`node --input-type=module -e "${generate}" '${JSON.stringify(batch)}'`);
  await shell.close();
  expect(jsonDifference(`{ "result": ${shown!}, "fileKey": "f1.csv", "fileBytes": 96 }`, printed)).toBeNull();
});

it('generates the report over the books from the one file', async () => {
  const [source, shown, file] = shownIn('A report over the books', ['ts', 'json', 'text']);
  const stores = await openStores();
  const account = newBooks();
  const spend = (currency: string, ledgerAccount: string, amountCents: number): NewEntry => ({
    effectiveAt: new Date('2026-01-15T12:00:00Z'),
    kind: 'adjustment',
    lines: [
      { ledgerAccount, currency, amountCents },
      { ledgerAccount: 'assets:cash', currency, amountCents: -amountCents },
    ],
  });
  await postEntries(stores, account, [
    spend('USD', 'expenses:bank-fees', 1_250),
    spend('JPY', 'expenses:rent', 3_000),
    spend('USD', 'expenses:stamps', 85),
  ]);
  const shell = await withReport('books/reports/expenses.report.js', source!);
  const generate = `import { catalogue } from './dist/src/reports/catalogue.js';
    import { Snapshot } from './dist/src/platform/database/snapshot.js';
    const [url, account] = process.argv.slice(1);
    const chunks = [];
    const finish = () => ({ sizeBytes: Buffer.concat(chunks).length, sha256: 'of the file' });
    const openFile = () => ({ write: (bytes) => void chunks.push(Buffer.from(bytes)), finish });
    const openSnapshot = (isCurrent) => Snapshot.open({ url, timeoutMs: 60_000 }, isCurrent);
    const { params, generate } = catalogue.get('expenses');
    const asked = params.parse({ from: '2026-01-01', to: '2026-02-01', min_cents: 1_000 });
    const context = { requestId: 'r1', fileId: 'f1', account, format: 'csv', openFile, openSnapshot };
    const result = await generate({ ...asked, through_entry: 3 }, context);
    console.log(JSON.stringify({ result, file: Buffer.concat(chunks).toString() }));`;
  const printed = await shell.run(`node --input-type=module -e "${generate}" '${stores.url}' '${account}'`);
  await shell.close();
  const { result, file: written } = JSON.parse(printed) as { result: object; file: string };
  expect(written.trim()).toBe(file!.trim());
  expect(jsonDifference(shown!, JSON.stringify(result))).toBeNull();
});
