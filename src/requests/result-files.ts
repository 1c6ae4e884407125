/** The files of finished requests, as far as the request log knows them: it names those that go with a request. */
export abstract class ResultFiles {
  /** Deletes files by key. A missing one is fine. */
  abstract remove(keys: string[]): Promise<void>;
}
