import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { environmentSchema, parseConfig } from '../../src/platform/config/config.js';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { type Block, blocksOf, readDocument, tableOf } from '../support/markdown.js';
import { Shell } from '../support/shell.js';
import { jsonDifference, textDifference } from '../support/shown.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readDocument('README.md');
const VARIABLES = Object.keys(environmentSchema.shape) as (keyof typeof environmentSchema.shape)[];
/** What a document names the default of a variable that has none. */
const NO_DEFAULT = '';

interface Step {
  commands: Block;
  /** What the commands print; null for nothing. */
  shown: Block | null;
}

/** The blocks of commands, each with the block of output that follows it. */
function stepsOf(blocks: Block[]): Step[] {
  return blocks.flatMap((block, index) => {
    if (block.language !== 'bash') return [];
    const next = blocks[index + 1];
    return [{ commands: block, shown: next && next.language !== 'bash' ? next : null }];
  });
}

function differenceFrom(shown: Block | null, printed: string): string | null {
  if (!shown) return printed === '' ? null : `printed, although nothing is shown: ${printed}`;
  return shown.language === 'json' ? jsonDifference(shown.text, printed) : textDifference(shown.text, printed);
}

describe("README's tour", () => {
  const steps = stepsOf(blocksOf(README, 'A tour in five minutes'));
  let daybook: Daybook;
  let shell: Shell;

  beforeAll(async () => {
    daybook = await startDaybook();
    shell = new Shell(await temporaryFolder());
  });
  afterAll(() => shell.close());

  const here = (text: string) => text.replaceAll('localhost:3000', `localhost:${new URL(daybook.url).port}`);

  const titled = steps.map((step): [string, Step] => {
    return [`line ${step.commands.line}: ${step.commands.text.split('\n')[0]!.slice(0, 100)}`, step];
  });
  it.each(titled)('%s', async (_, { commands, shown }) => {
    const check = async () => {
      const printed = await shell.run(here(commands.text));
      expect(differenceFrom(shown && { ...shown, text: here(shown.text) }, printed)).toBeNull();
    };
    // What only looks is looked at again, as whoever reads "a moment later" would do; a moment is shorter than a lane's
    // lease, so a lane that was not given back shows. What acts is done once.
    if (commands.text.includes('-X ')) await check();
    else await eventually(check, { timeoutMs: 10_000 });
  });

  it('names every operation of the API', async () => {
    const { paths } = (await (await fetch(`${daybook.url}/openapi.json`)).json()) as { paths: Record<string, object> };
    const operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const named = tableOf(README, 'Call').flatMap(([call = '']) =>
      call.split(', ').map((one) => one.replaceAll('`', '')),
    );
    expect(named.sort()).toEqual(operations.sort());
  });
});

/** Whether a text, given as the variable, means the same as leaving the variable out. */
function expectDefault(name: (typeof VARIABLES)[number], text: string): void {
  const field = environmentSchema.shape[name];
  const value = field.parse(undefined);
  if (text === NO_DEFAULT) expect(value ?? []).toEqual([]);
  else expect([name, field.parse(text)]).toEqual([name, value]);
}

describe('the configuration in words', () => {
  it('is in the README, with every default and description', () => {
    const rows = tableOf(README, 'Variable');
    expect(rows.map(([name, , description]) => [name, description])).toEqual(
      VARIABLES.map((name) => [`\`${name}\``, environmentSchema.shape[name].description]),
    );
    for (const [index, [, text = '']] of rows.entries()) expectDefault(VARIABLES[index]!, text.replaceAll('`', ''));
  });

  it('is in .env.example, with every default and description', () => {
    const example = readDocument('.env.example');
    const paragraphs = example.trim().split('\n\n').slice(1);
    const entries = paragraphs.map((paragraph) => {
      const [, name, text] = /^# ([A-Z_]+)=(.*)$/.exec(paragraph.split('\n').at(-1)!) ?? [];
      const description = paragraph
        .split('\n')
        .slice(0, -1)
        .map((line) => line.slice(2))
        .join(' ');
      return { name, text, description };
    });
    expect(entries.map(({ name, description }) => [name, description])).toEqual(
      VARIABLES.map((name) => [name, environmentSchema.shape[name].description]),
    );
    for (const [index, { text }] of entries.entries()) expectDefault(VARIABLES[index]!, text!);
    const uncommented = Object.fromEntries(entries.map(({ name, text }) => [name, text]));
    expect(parseConfig(uncommented)).toEqual(parseConfig({}));
  });
});

describe('the documents', () => {
  it('link to what is there', async () => {
    const folder = (await readdir(join(ROOT, 'docs'), { recursive: true })).map((name) => `docs/${name}`);
    const documents = ['README.md', 'CHANGELOG.md', ...folder.filter((name) => name.endsWith('.md'))];
    const broken = documents.flatMap((document) =>
      [...readDocument(document).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target.split('#')[0]!)
        .filter((target) => target !== '' && !/^https?:/.test(target))
        .filter((target) => !existsSync(join(ROOT, dirname(document), target)))
        .map((target) => `${document} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('show how to add a report type, and the one file is enough', async () => {
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
    expect(jsonDifference(`{ "result": ${shown!.text}, "fileKey": "f1.csv" }`, printed)).toBeNull();
  });
});
