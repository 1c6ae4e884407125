/**
 * Runs batches until there are no more or the time budget is used up; always at least one.
 * @param batch Resolves with whether there may be more.
 */
export async function withinTimeBudget(budgetMs: number, batch: () => Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + budgetMs;
  while (await batch()) if (performance.now() >= endsAtMs) return;
}

/**
 * Deletes batches until one is not full or the time budget is used up; always at least one.
 * @param remove Deletes up to `limit` rows and returns their number.
 */
export function removeWithinTimeBudget(
  budgetMs: number,
  limit: number,
  remove: (limit: number) => Promise<number>,
): Promise<void> {
  return withinTimeBudget(budgetMs, async () => (await remove(limit)) === limit);
}
