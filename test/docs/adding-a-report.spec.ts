/** The example report type in docs/adding-a-report.md works as printed. */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import ts from 'typescript';
import { temporaryFolder } from '../support/folder.js';
import { blocksOf, readDocument } from '../support/markdown.js';
import { Shell } from '../support/shell.js';
import { jsonDifference } from '../support/shown.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('generates the report from the one file', async () => {
  const blocks = blocksOf(readDocument('docs/adding-a-report.md'), 'The file');
  const [source, shown] = ['ts', 'json'].map((language) => blocks.find((block) => block.language === language)!);
  const { outputText } = ts.transpileModule(source!.text, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  const home = await temporaryFolder();
  await cp(join(ROOT, 'dist'), join(home, 'dist'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(home, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(home, 'node_modules'));
  await writeFile(join(home, 'dist/src/reports/types/interest.report.js'), outputText);
  await mkdir(join(home, 'data'));

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
  const batch = { tasks: [task], filePath: join(home, 'data', 'f1.csv') };
  const shell = new Shell(home);
  const printed = await shell.run(`node --input-type=module -e "${generate}" '${JSON.stringify(batch)}'`);
  await shell.close();
  expect(jsonDifference(`{ "result": ${shown!.text}, "fileKey": "f1.csv", "fileBytes": 96 }`, printed)).toBeNull();
});
