import { writeFile } from 'node:fs/promises';
import { BenchError } from '../src/benchmark/cli/cli-error.js';
import { measureAll } from './measurements.js';
import { surroundings } from '../src/benchmark/cli/surroundings.js';
import { environmentLine } from '../src/benchmark/cli/text-report.js';

const FILE = new URL('../../docs/benchmarks.md', import.meta.url);

/** Measures and writes docs/benchmarks.md. */
try {
  const measured = await measureAll(({ title, result, target = '' }) =>
    console.log(`${result.padStart(30)}  ${target.padEnd(9)} ${title}`),
  );
  const rows = measured.map(({ title, result, target = '' }) => `| ${title} | **${result}** | ${target} |`);
  const text = `# Benchmarks

Written by \`npm run bench:micro\` (needs \`redis-server\`). What has no unit is a ratio of two rates or times that were
measured in turns in this one run, where there are rounds the median of them; in brackets is what the service did. The
load generator, the service, Postgres and Redis share the machine.

| what | measured | target |
| --- | --- | --- |
${rows.join('\n')}

${environmentLine(surroundings())}.
`;
  await writeFile(FILE, text);
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(error.message);
  process.exit(1);
}
process.exit(0);
