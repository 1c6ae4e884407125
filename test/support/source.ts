import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A source file of the service: its path from the repository root and its text. */
export interface Source {
  path: string;
  text: string;
}

/** Returns the TypeScript files below a folder. */
export function sourcesIn(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Returns the source files of the service, without specs. */
export function serviceSources(): Source[] {
  return sourcesIn('src').filter(({ path }) => !path.endsWith('.spec.ts'));
}

/** Returns the texts of all string and template literals in a file. A placeholder of a template becomes a space. */
export function literalsIn({ path, text }: Source): string[] {
  const literals: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) literals.push(node.text);
    else if (ts.isTemplateExpression(node))
      literals.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' '));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return literals;
}
