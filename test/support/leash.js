// Loaded into each service that a test starts: it ends with the test process, even if that is killed.
import { isMainThread } from 'node:worker_threads';

// Report threads load this too; what they have for standard input is neither a pipe nor the test's.
if (isMainThread) {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  process.stdin.on('error', () => undefined).unref();
}
