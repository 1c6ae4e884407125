import { v7 as uuidv7 } from 'uuid';

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** When an id was given: the first 48 bits of a UUIDv7 (RFC 9562, 5.7). Null for any other id, which is none of ours. */
export function timeOfId(id: string): Date | null {
  return VERSION_7.test(id) ? new Date(parseInt(id.replace('-', '').slice(0, 12), 16)) : null;
}

/** What sorts before every id of this millisecond and after those of the one before. */
export function firstIdAt(time: Date): string {
  return uuidv7({ msecs: time.getTime(), seq: 0, random: new Uint8Array(16) });
}
