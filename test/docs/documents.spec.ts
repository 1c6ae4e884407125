/** Files, headings, scripts and options that the documents name exist. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { getMetadataArgsStorage } from 'typeorm';
import { parseOptions } from '../../src/benchmark/cli/cli-options.js';
import { CallbackDestination } from '../../src/callbacks/destinations/callback-destination.entity.js';
import { CallbackDelivery } from '../../src/callbacks/deliveries/callback-delivery.entity.js';
import { RequestRecord } from '../../src/requests/request.entity.js';
import { anchorsOf, blocksOf, documentPaths, linksOf, readDocument, tableOf } from '../support/markdown.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const LANGUAGES = ['bash', 'sh', 'json', 'text', 'sql', 'ts', 'js', 'python', 'go', 'mermaid'];
const DIAGRAMS = ['flowchart', 'stateDiagram-v2', 'sequenceDiagram'];
/** Paths that begin with a folder of the repository. */
const PATH = /`((?:src|test|migrations|bench|docs|docker|scripts)\/\w[\w./-]*)`/g;

describe.each(documentPaths())('%s', (path) => {
  const document = readDocument(path);
  const blocks = blocksOf(document);

  it('links to files and headings that exist', () => {
    const broken = linksOf(document).filter((target) => {
      if (/^https?:/.test(target)) return false;
      return !isDocument(target.startsWith('#') ? `${path}${target}` : join(dirname(path), target));
    });
    expect(broken).toEqual([]);
  });

  it('names paths that exist', () => {
    const missing = [...document.matchAll(PATH)].filter(([, name = '']) => !existsSync(join(ROOT, name)));
    // The changelog may name removed files, and the guide to reports names a file that the reader creates.
    const isExempt = path === 'CHANGELOG.md' || path === 'docs/adding-a-report.md';
    expect(isExempt ? [] : missing.map(([, name]) => name)).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const named = [...document.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('passes only existing options to the load test', () => {
    const lines = blocks.flatMap(({ text }) => text.split('\n').filter((line) => line.startsWith('npm run bench -- ')));
    for (const line of lines) {
      const args = line.slice('npm run bench -- '.length).split(' ');
      expect(() => parseOptions(args.map((arg) => arg.replaceAll("'", '')))).not.toThrow();
    }
  });

  it('has blocks of known languages and diagrams', () => {
    expect(blocks.filter(({ language }) => !LANGUAGES.includes(language))).toEqual([]);
    const diagrams = blocks.filter(({ language }) => language === 'mermaid');
    expect(diagrams.filter(({ text }) => !DIAGRAMS.includes(/^[\w-]+/.exec(text)?.[0] ?? ''))).toEqual([]);
  });
});

it('the README is short', () => {
  expect(readDocument('README.md').split('\n').length).toBeLessThanOrEqual(250);
});

it('the code refers to documents, headings and decisions that exist', () => {
  const decisions = new Set(tableOf(readDocument('docs/decisions/README.md'), 'Number').map(([number]) => number));
  const broken = ['src', 'migrations', 'bench', 'test', 'scripts'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[jt]s$/.test(name))
      .flatMap((name) => {
        const text = readFileSync(join(ROOT, folder, name), 'utf8');
        const documents = [...text.matchAll(/\bdocs\/[\w./-]+\.md(?:#[\w-]+)?/g)].map(([target]) => target);
        const numbers = [...text.matchAll(/\bdecision (\d+)/gi)].map(([, number]) => number!);
        return [
          ...documents.filter((target) => !isDocument(target)),
          ...numbers.filter((one) => !decisions.has(one)),
        ].map((target) => `${folder}/${name}: ${target}`);
      }),
  );
  expect(broken).toEqual([]);
});

function isDocument(target: string): boolean {
  const [path = '', anchor] = target.split('#');
  if (!existsSync(join(ROOT, path))) return false;
  return anchor === undefined || anchorsOf(readDocument(path)).has(anchor);
}

describe('docs/state-machines.md', () => {
  it.each([
    ['Request', RequestRecord],
    ['Delivery', CallbackDelivery],
    ['Breaker', CallbackDestination],
  ])('%s has the states that the database allows', (section, entity) => {
    const [diagram] = blocksOf(readDocument('docs/state-machines.md'), section);
    const states = [...diagram!.text.matchAll(/^ +(\S+) --> (\S+):?/gm)].flatMap(([, from = '', to = '']) => [
      from,
      to,
    ]);
    const named = new Set(states.map((state) => state.replace(':', '')).filter((state) => state !== '[*]'));
    const { expression } = getMetadataArgsStorage().checks.find(
      ({ target, name = '' }) => target === entity && /_(status|state)_check$/.test(name),
    )!;
    const allowed = [...expression.matchAll(/'(\w+)'/g)].map(([, state]) => state!);
    expect([...named].toSorted()).toEqual(allowed.toSorted());
  });

  it('describes every move', () => {
    const document = readDocument('docs/state-machines.md');
    for (const section of ['Request', 'Lane', 'Lease', 'Delivery', 'Breaker']) {
      const [diagram] = blocksOf(document, section);
      const moves = new Set([...diagram!.text.matchAll(/: (.+)$/gm)].map(([, move]) => move!));
      const text = document.split(`## ${section}\n`)[1]!.split('\n## ')[0]!;
      const described = [...text.matchAll(/^- \*\*(.+?):\*\*/gm)].flatMap(([, names]) => names!.split(/, (?!or)/));
      expect({ section, moves: described.toSorted() }).toEqual({ section, moves: [...moves].toSorted() });
    }
  });
});
