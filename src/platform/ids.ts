import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** Drawing random bytes costs ten times as much as all else about an id, however few they are: so for many ids at once. */
const random = Buffer.alloc(256 * 16);
let used = random.length;
let msecs = Number.NEGATIVE_INFINITY;
let seq = 0;

/**
 * A UUIDv7 (RFC 9562) that sorts after all that this process made before, whatever the clock does: within a millisecond it
 * counts up from a random number (section 6.2, method 1).
 */
export function newId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const own = random.subarray(used, (used += 16));
  const nowMs = Date.now();
  if (nowMs > msecs) {
    msecs = nowMs;
    // 31 of its 32 bits, so that there is always room to count.
    seq = own.readUInt32BE(6) >>> 1;
  } else {
    seq++;
  }
  return uuidv7({ random: own, msecs, seq });
}
