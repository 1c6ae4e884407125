// Ends .ci/run: prints `N passed, N failed` from the results that Jest wrote, and fails unless every test ran and passed.
import { existsSync, readFileSync } from 'node:fs';

const file = process.argv[2];
const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8') || '{}') : {};
const passed = results.numPassedTests ?? 0;
// A file that cannot even be loaded has no tests to count, and is one failure.
const failed = (results.numFailedTests ?? 0) + (results.numRuntimeErrorTestSuites ?? 0);
const left = (results.numPendingTests ?? 0) + (results.numTodoTests ?? 0);

if (left > 0) console.log(`${left} skipped or still to be written: none may be`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = passed === 0 || failed > 0 || left > 0 ? 1 : 0;
