import { v7 as uuidv7 } from 'uuid';

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Returns a new UUIDv7 (RFC 9562). It sorts after all ids that this process generated before: within a millisecond, and
 * after the clock was set back, the id before is counted up (section 6.2, method 1).
 */
export function newId(): string {
  return uuidv7();
}

/** When an id was generated: the first 48 bits of a UUIDv7 (RFC 9562 section 5.7). Null for any other text. */
export function timeOfId(id: string): Date | null {
  return VERSION_7.test(id) ? new Date(parseInt(id.replace('-', '').slice(0, 12), 16)) : null;
}

/** The lowest id of a millisecond: it sorts before every id of that millisecond and after all ids of the one before. */
export function firstIdAt(time: Date): string {
  return uuidv7({ msecs: time.getTime(), seq: 0, random: new Uint8Array(16) });
}
