/** The files of finished requests; `reports/` implements it. */
export abstract class ResultFiles {
  /** Deletes files by key. Missing files are ignored. */
  abstract remove(keys: string[]): Promise<void>;
}
