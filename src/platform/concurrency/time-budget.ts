/**
 * Does work batch by batch, for so long and one batch at least. What is left is for the next time.
 * @param batch Gives whether there may be more.
 */
export async function withinTimeBudget(budgetMs: number, batch: () => Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + budgetMs;
  while (await batch()) if (performance.now() >= endsAtMs) return;
}
