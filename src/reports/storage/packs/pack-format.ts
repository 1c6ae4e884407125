import type { PackEntry } from './result-key.js';

/**
 * A pack is one object with the results of requests that were generated together:
 *
 *     0   magic "DBPK"      4 bytes
 *     4   version           uint16, 1
 *     6   slots             uint16
 *     8   entries           uint16, at most `slots`
 *     10  unused            6 bytes
 *     16  the slots         32 bytes each: request id (16), offset (uint64), length (uint64); unused ones are zero
 *     …   the results       one behind the other, as they are
 *
 * Numbers are big-endian; offsets count from the start of the pack. The header says what a pack holds without the database.
 */
const MAGIC = Buffer.from('DBPK');
const VERSION = 1;
const FIXED_BYTES = 16;
const SLOT_BYTES = 32;

/** The size of the header of a pack for up to this number of results. */
export const packHeaderBytes = (slots: number): number => FIXED_BYTES + slots * SLOT_BYTES;

/** The size of the largest header that is read. Groups have at most 128 reports. */
export const MAX_PACK_HEADER_BYTES = packHeaderBytes(1_024);

export function packHeader(slots: number, entries: readonly (PackEntry & { requestId: string })[]): Buffer {
  const header = Buffer.alloc(packHeaderBytes(slots));
  MAGIC.copy(header);
  header.writeUInt16BE(VERSION, 4);
  header.writeUInt16BE(slots, 6);
  header.writeUInt16BE(entries.length, 8);
  for (const [index, { requestId, offset, length }] of entries.entries()) {
    const at = packHeaderBytes(index);
    header.write(requestId.replaceAll('-', ''), at, 16, 'hex');
    header.writeBigUInt64BE(BigInt(offset), at + 16);
    header.writeBigUInt64BE(BigInt(length), at + 24);
  }
  return header;
}

/** Returns the offsets of a pack's results, or null if the bytes are not the start of a pack. */
export function packOffsets(start: Buffer): number[] | null {
  if (start.length < FIXED_BYTES || !start.subarray(0, 4).equals(MAGIC) || start.readUInt16BE(4) !== VERSION)
    return null;
  const entries = start.readUInt16BE(8);
  if (start.length < packHeaderBytes(entries)) return null;
  return Array.from({ length: entries }, (_, index) => Number(start.readBigUInt64BE(packHeaderBytes(index) + 16)));
}
