/** Entries of a block, by number: block 0 has the entries 1 to 1,024. A balance reads up to two blocks of lines. */
export const BLOCK = 1_024;

/** Returns the number of complete blocks. They never change, because entries are never added before the newest one. */
export function completeBlocks(lastNumber: number): number {
  return Math.floor(lastNumber / BLOCK);
}
