/** The command line is invalid. The message is one line; the exit code is 2. */
export class UsageError extends Error {}

/** The run could not start or finish. The message is one line; the exit code is 1. */
export class BenchError extends Error {}
