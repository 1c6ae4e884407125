/**
 * Reads one page of a list and the cursor of the next page (null at the end).
 * @param read Reads up to `limit` rows. It is called with one more than the page, which shows whether there is a next page.
 */
export async function pageOf<Row>(
  limit: number,
  read: (limit: number) => Promise<Row[]>,
  cursorOf: (row: Row) => string,
): Promise<{ page: Row[]; next_cursor: string | null }> {
  const rows = await read(limit + 1);
  const page = rows.slice(0, limit);
  return { page, next_cursor: rows.length > limit ? cursorOf(page.at(-1)!) : null };
}
