import { readdirSync } from 'node:fs';
import type { ReportDefinition } from './define-report.js';

/** A report type file and its exports. */
export type TypeModule = readonly [file: string, exports: { default?: unknown }];

/** Fields of a request that are not parameters, also in the flat shorthand. */
export const ENVELOPE_FIELDS: readonly string[] = ['report', 'callback_url', 'lane', 'format', 'compress'];

/** A parameter with one of these names would be ambiguous. */
const RESERVED = [...ENVELOPE_FIELDS, 'payload'];

/** Whether a file defines a report type: `*.report.ts`, or its compiled form. */
export function isTypeFile(file: string): boolean {
  return /\.report\.[jt]s$/.test(file);
}

function isDefinition(value: unknown): value is ReportDefinition {
  return typeof value === 'object' && value !== null && 'type' in value && 'params' in value && 'generate' in value;
}

/**
 * Report types by name.
 * @throws Error naming the file, so that a mistake stops the start and not the first request.
 */
export function catalogueOf(modules: readonly TypeModule[]): ReadonlyMap<string, ReportDefinition> {
  const files = new Map<string, string>();
  const definitions = new Map<string, ReportDefinition>();
  for (const [file, { default: definition }] of modules) {
    if (!isDefinition(definition)) throw new Error(`Report type file ${file} has no default export from defineReport`);
    const { type, params } = definition;
    if (files.has(type)) throw new Error(`Report type "${type}" is defined twice, in ${files.get(type)} and ${file}`);
    const taken = RESERVED.find((name) => name in params.shape);
    if (taken)
      throw new Error(`Report type "${type}" in ${file} has a parameter named "${taken}", a field of requests`);
    files.set(type, file);
    definitions.set(type, definition);
  }
  return definitions;
}

async function loadTypes(): Promise<TypeModule[]> {
  const folder = new URL('../', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isTypeFile).sort();
  const modules: TypeModule[] = [];
  // One after the other: Jest cannot import modules at once that share others.
  for (const file of files) modules.push([file, (await import(new URL(file, folder).href)) as object]);
  return modules;
}

/** All report types: one for each `*.report.ts` in any folder. */
export const catalogue = catalogueOf(await loadTypes());
