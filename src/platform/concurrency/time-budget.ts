/**
 * Runs batches until there are no more or the time budget is used up; always at least one.
 * @param batch Resolves with whether there may be more.
 */
export async function withinTimeBudget(budgetMs: number, batch: () => Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + budgetMs;
  while (await batch()) if (performance.now() >= endsAtMs) return;
}
