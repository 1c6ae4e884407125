// The last step of .ci/run. It prints `N passed, N failed` from the result files of Jest and the chaos test. It fails
// if a file has no passed test, or any failed or skipped one.
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const runs = process.argv.slice(2).map((file) => {
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8') || '{}') : {};
  return {
    name: basename(file),
    passed: results.numPassedTests ?? 0,
    // A test file that cannot be loaded has no tests. It counts as one failure.
    failed: (results.numFailedTests ?? 0) + (results.numRuntimeErrorTestSuites ?? 0),
    left: (results.numPendingTests ?? 0) + (results.numTodoTests ?? 0),
  };
});
const sum = (count) => runs.reduce((total, run) => total + run[count], 0);
const empty = runs.filter(({ passed }) => passed === 0).map(({ name }) => name);

if (sum('left') > 0) console.log(`${sum('left')} skipped or todo, which is not allowed`);
if (empty.length > 0) console.log(`No test passed in: ${empty.join(', ')}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') === 0 && sum('left') === 0 && empty.length === 0 ? 0 : 1;
