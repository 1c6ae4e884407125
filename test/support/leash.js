// Loaded into each service that a test starts: it ends with the test process, even if that is killed.
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
process.stdin.on('error', () => undefined).unref();
