import { writeFile } from 'node:fs/promises';
import { BenchError, UsageError } from '../src/benchmark/cli/cli-error.js';
import { readEnvironment } from '../src/benchmark/cli/environment.js';
import { environmentLine } from '../src/benchmark/cli/text-report.js';
import type { Measurement } from './measurements/measurement.js';
import { MEASUREMENTS } from './measurements.js';

const FILE = new URL('../docs/benchmarks.md', import.meta.url);

/** @returns The names to run: all of them when none is given. @throws UsageError for an unknown one. */
function selected(given: string[]): string[] {
  const names = [...MEASUREMENTS.keys()];
  const unknown = given.find((name) => !MEASUREMENTS.has(name));
  if (unknown !== undefined) throw new UsageError(`Unknown measurement '${unknown}'. Known: ${names.join(', ')}`);
  return given.length > 0 ? given : names;
}

async function measure(names: string[]): Promise<Measurement[]> {
  const all: Measurement[] = [];
  for (const name of names) {
    const measured = await MEASUREMENTS.get(name)!();
    for (const { title, result, target = '' } of measured)
      console.log(`${result.padStart(30)}  ${target.padEnd(9)} ${title}`);
    all.push(...measured);
  }
  return all;
}

function markdown(measured: Measurement[]): string {
  const rows = measured.map(({ title, result, target = '' }) => `| ${title} | **${result}** | ${target} |`);
  return `# Benchmarks

Written by \`npm run bench:micro\` (needs \`redis-server\`); \`npm run bench:micro -- NAME\` runs one measurement and leaves
this file alone. A figure without a unit is a ratio of two rates or times, measured in turns in the same run; with several
rounds it is their median. The figure of the service itself is in brackets. The load generator, the service, Postgres and
Redis share the machine.

| what | measured | target |
| --- | --- | --- |
${rows.join('\n')}

${environmentLine(readEnvironment())}.
`;
}

/** Runs the measurements named on the command line. Without names it runs all and writes docs/benchmarks.md. */
try {
  const given = process.argv.slice(2);
  const measured = await measure(selected(given));
  if (given.length === 0) await writeFile(FILE, markdown(measured));
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof BenchError)) throw error;
  console.error(error.message);
  process.exit(error instanceof UsageError ? 2 : 1);
}
process.exit(0);
