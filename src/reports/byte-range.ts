import type { ByteRange } from './storage/object-storage.js';

const SINGLE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * What a `Range` header asks for (RFC 9110, 14.1.2), or null when it is to be ignored: in other units, malformed, or of
 * several ranges. Express has a parser too, but it refuses the last 100 bytes of a file that has fewer.
 */
export function byteRange(header: string, sizeBytes: number): ByteRange | 'unsatisfiable' | null {
  const [, first = '', last = ''] = SINGLE_RANGE.exec(header) ?? [];
  if (first === '' && last === '') return null;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  if (start >= sizeBytes) return 'unsatisfiable';
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return { start, end };
}
