/**
 * The callback secrets of a receiver, for `daybook verify`, separated by spaces in `DAYBOOK_CALLBACK_SECRET`. The service
 * itself does not read this variable.
 */
export function receiverSecrets(): string[] {
  return process.env.DAYBOOK_CALLBACK_SECRET?.split(/\s+/) ?? [];
}
