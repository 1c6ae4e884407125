// Ends .ci/run: prints `N passed, N failed` from the results that runs of Jest and of chaos wrote, and fails unless in each
// of them there were tests and all ran and passed.
import { existsSync, readFileSync } from 'node:fs';

const runs = process.argv.slice(2).map((file) => {
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8') || '{}') : {};
  return {
    passed: results.numPassedTests ?? 0,
    // A file that cannot even be loaded has no tests to count, and is one failure.
    failed: (results.numFailedTests ?? 0) + (results.numRuntimeErrorTestSuites ?? 0),
    left: (results.numPendingTests ?? 0) + (results.numTodoTests ?? 0),
  };
});
const sum = (count) => runs.reduce((total, run) => total + run[count], 0);

if (sum('left') > 0) console.log(`${sum('left')} skipped or still to be written: none may be`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
const isGood = sum('failed') === 0 && sum('left') === 0 && runs.every(({ passed }) => passed > 0);
process.exitCode = isGood ? 0 : 1;
