/** A setting is invalid. The message is one line: variable, value, allowed values. */
export class ConfigError extends Error {}
