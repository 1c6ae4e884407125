/** The process cannot start, and the message, one line, says why. */
export class StartError extends Error {}
