/** The command line is wrong. One line; exit code 2. */
export class UsageError extends Error {}

/** The run cannot be made, or cannot be finished. One line; exit code 1. */
export class BenchError extends Error {}
