/**
 * @returns The API key that a command line sends to a service (`DAYBOOK_API_KEY`), or undefined when it is unset or empty.
 * Not a setting of the service itself.
 */
export function clientApiKey(): string | undefined {
  return process.env.DAYBOOK_API_KEY?.trim() || undefined;
}
