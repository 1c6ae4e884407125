import { readFile, stat } from 'node:fs/promises';

/** A file that is parsed again when it changes. A file that cannot be read counts as empty. */
export class ParsedFile<T> {
  private readonly empty: T;
  private known: { version: string; value: T } | undefined;

  constructor(
    private readonly path: string,
    private readonly parse: (text: string) => T,
  ) {
    this.empty = parse('');
  }

  /** @returns The value of the file as it is now. */
  async read(): Promise<T> {
    try {
      const { mtimeMs, size, ino } = await stat(this.path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (this.known?.version !== version) {
        this.known = { version, value: this.parse(await readFile(this.path, 'utf8')) };
      }
      return this.known.value;
    } catch {
      return this.empty;
    }
  }
}
