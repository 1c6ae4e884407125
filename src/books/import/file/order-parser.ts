import type { ImportedOrder } from './import-row.js';

/** Reads the orders of a file from its bytes, in any chunks. It keeps at most one order. */
export interface OrderParser {
  /** Whether the header is read, if the format has one. */
  readonly isStarted: boolean;
  /** @returns The orders that the chunk completes. @throws InvalidInput for a file that is not one of orders */
  push(chunk: Buffer): ImportedOrder[];
  /** @returns The rest, at the end of the file. @throws InvalidInput */
  end(): ImportedOrder[];
}
