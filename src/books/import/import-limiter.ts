import { ImportsBusy } from './imports.errors.js';

/** Imports of an account that one process runs at the same time. */
const MAX_OF_ACCOUNT = 2;
/** Imports of all accounts. Each uses a connection of the database most of the time, of which the rest is for requests. */
const MAX_IN_PROCESS = 4;

/** Bounds the imports that a process runs, for each account and in all. */
export class ImportLimiter {
  private readonly running = new Map<string, number>();
  private total = 0;

  /** @returns A function that frees the place; call it exactly once. @throws ImportsBusy */
  enter(account: string): () => void {
    const count = this.running.get(account) ?? 0;
    if (count >= MAX_OF_ACCOUNT) throw new ImportsBusy(MAX_OF_ACCOUNT, 'account');
    if (this.total >= MAX_IN_PROCESS) throw new ImportsBusy(MAX_IN_PROCESS, 'process');
    this.running.set(account, count + 1);
    this.total += 1;
    return () => this.leave(account);
  }

  private leave(account: string): void {
    const left = this.running.get(account)! - 1;
    if (left > 0) this.running.set(account, left);
    else this.running.delete(account);
    this.total -= 1;
  }
}
