/**
 * Every `bash` block of the documents runs as printed, and its output matches the block below it. `sh` blocks are not
 * run: they start services, need Docker, or take minutes.
 */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Daybook, startDaybook } from '../support/daybook.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { type Block, blocksOf, documentPaths, readDocument } from '../support/markdown.js';
import { Shell } from '../support/shell.js';
import { jsonDifference, textDifference } from '../support/shown.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The files that `npm run` and `npx` need. */
const CHECKOUT = ['package.json', 'package-lock.json', 'node_modules', 'scripts', 'dist'];
/** Runs with `AUTH=required`. */
const AUTHENTICATION = 'docs/authentication.md';
/** Last, because it uses up the rate limit. */
const TUTORIAL = 'docs/tutorial.md';

interface Step {
  commands: Block;
  /** The expected output; null for none. */
  shown: Block | null;
}

/** Returns the blocks of commands, each with the block of output that follows it. */
function stepsOf(document: string): Step[] {
  const blocks = blocksOf(readDocument(document));
  return blocks.flatMap((block, index) => {
    if (block.language !== 'bash') return [];
    const next = blocks[index + 1];
    return [{ commands: block, shown: next && ['json', 'text'].includes(next.language) ? next : null }];
  });
}

function differenceFrom(shown: Block | null, printed: string): string | null {
  if (!shown) return printed === '' ? null : `printed, but the document shows no output: ${printed}`;
  return shown.language === 'json' ? jsonDifference(shown.text, printed) : textDifference(shown.text, printed);
}

/** Starts a shell in a folder that looks like a checkout; npm has its own cache there and no registry. */
async function startShell({ databaseUrl = '', dataDir }: Daybook): Promise<Shell> {
  const home = await temporaryFolder();
  await Promise.all(CHECKOUT.map((name) => symlink(join(ROOT, name), join(home, name))));
  return new Shell(home, {
    HOME: home,
    DATABASE_URL: databaseUrl,
    DATA_DIR: dataDir,
    npm_config_cache: join(home, 'npm'),
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_update_notifier: 'false',
  });
}

function runDocuments(documents: string[], daybook: () => Daybook): void {
  describe.each(documents)('%s', (document) => {
    let shell: Shell;
    beforeAll(async () => {
      shell = await startShell(daybook());
    });
    afterAll(() => shell.close());

    const here = (text: string) => text.replaceAll('localhost:3000', `localhost:${new URL(daybook().url).port}`);
    const titled = stepsOf(document).map((step): [string, Step] => {
      return [`line ${step.commands.line}: ${step.commands.text.split('\n')[0]!.slice(0, 100)}`, step];
    });
    it.each(titled)('%s', async (_, { commands, shown }) => {
      const check = async () => {
        const printed = await shell.run(here(commands.text));
        expect(differenceFrom(shown && { ...shown, text: here(shown.text) }, printed)).toBeNull();
      };
      // A command that only reads is repeated until its output matches. The limit of 10 s is shorter than a lease, so a
      // lane that was not released fails the test.
      const changesSomething = /-X |npm run|npx /.test(commands.text);
      if (changesSomething) await check();
      else await eventually(check, { timeoutMs: 10_000 });
    });
  });
}

const documents = documentPaths().filter((path) => stepsOf(path).length > 0);

describe('with AUTH=open', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    daybook = await startDaybook();
  });
  const others = documents.filter((path) => ![AUTHENTICATION, TUTORIAL].includes(path));
  runDocuments([...others, TUTORIAL], () => daybook);
});

describe('with AUTH=required', () => {
  let daybook: Daybook;
  beforeAll(async () => {
    daybook = await startDaybook({ env: { AUTH: 'required' } });
  });
  runDocuments([AUTHENTICATION], () => daybook);
});
