// Preloaded into each service that a test starts. It ends the service with the test process, even if that is killed.
import { isMainThread } from 'node:worker_threads';

// Report threads load this too, but their standard input is not the test's pipe.
if (isMainThread) {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  process.stdin.on('error', () => undefined).unref();
}
