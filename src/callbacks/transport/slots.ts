/** Attempts under way in one process, and so its connections that carry one. */
export const SLOTS = 64;
/** Attempts under way to one destination, so that one that is slow or dead leaves room for the others. */
export const SLOTS_PER_DESTINATION = 8;

/** Counts what is under way. An attempt is made only with a slot, whatever it is made for. */
export class Slots {
  private readonly taken = new Map<string, number>();
  private used = 0;

  /** How many more may be under way to a destination right now. */
  room(destination: string): number {
    return Math.min(SLOTS - this.used, SLOTS_PER_DESTINATION - (this.taken.get(destination) ?? 0));
  }

  /** Takes up to so many; gives how many it took. */
  take(destination: string, wanted: number): number {
    const count = Math.max(0, Math.min(wanted, this.room(destination)));
    if (count === 0) return 0;
    this.used += count;
    this.taken.set(destination, (this.taken.get(destination) ?? 0) + count);
    return count;
  }

  /** Gives back what was taken. */
  free(destination: string, count = 1): void {
    if (count === 0) return;
    this.used -= count;
    const left = this.taken.get(destination)! - count;
    if (left > 0) this.taken.set(destination, left);
    else this.taken.delete(destination);
  }
}
