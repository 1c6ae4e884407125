import type { Line } from './lines.js';

/** A record of a CSV file (RFC 4180). */
export interface CsvRecord {
  /** Number of its first line. */
  line: number;
  /** Trimmed. Only the readable ones at its start if the record has a problem. */
  cells: string[];
  problem: string | null;
}

/** Lines that a record with quoted line breaks may have. It bounds the work after a quote that is never closed. */
const MAX_LINES = 32;
const MAX_CHARACTERS = 16 * 1024;

const QUOTE = '"';

/** Parses the cells of one record, which may continue on further lines. */
class RecordParser {
  readonly cells: string[] = [];
  private cell = '';
  private isQuoted = false;

  /** Takes the next line of the record. */
  take(text: string): 'complete' | 'open' | 'malformed' {
    if (!this.isQuoted && !text.includes(QUOTE)) {
      this.cells.push(...text.split(',').map((cell) => cell.trim()));
      return 'complete';
    }
    let at = 0;
    for (;;) {
      const end = this.isQuoted ? this.quotedEnd(text, at) : this.startCell(text, at);
      if (end === 'open' || end === 'malformed') return end;
      if (end === text.length) return 'complete';
      at = end + 1;
    }
  }

  /** @returns The place of the comma after the cell that starts at `at`, or the end of the text. */
  private startCell(text: string, at: number): number | 'open' | 'malformed' {
    if (text[at] === QUOTE) {
      this.isQuoted = true;
      return this.quotedEnd(text, at + 1);
    }
    const comma = text.indexOf(',', at);
    const end = comma === -1 ? text.length : comma;
    const cell = text.slice(at, end);
    if (cell.includes(QUOTE)) return 'malformed';
    this.cells.push(cell.trim());
    return end;
  }

  private quotedEnd(text: string, from: number): number | 'open' | 'malformed' {
    let at = from;
    for (;;) {
      const quote = text.indexOf(QUOTE, at);
      if (quote === -1) {
        this.cell += `${text.slice(at)}\n`;
        return 'open';
      }
      this.cell += text.slice(at, quote);
      if (text[quote + 1] !== QUOTE) return this.endQuoted(text, quote + 1);
      this.cell += QUOTE;
      at = quote + 2;
    }
  }

  private endQuoted(text: string, at: number): number | 'malformed' {
    if (at < text.length && text[at] !== ',') return 'malformed';
    this.cells.push(this.cell.trim());
    this.cell = '';
    this.isQuoted = false;
    return at;
  }
}

/**
 * Gathers lines into records. After a record that cannot be read, such as one with a quote that is never closed, it goes on
 * with the line after the first of it, so a bad line does not swallow the lines behind it.
 */
export class CsvRecords {
  private parser = new RecordParser();
  private open: Line[] = [];
  private characters = 0;

  /** @returns The records that the lines complete. */
  push(lines: readonly Line[]): CsvRecord[] {
    const records: CsvRecord[] = [];
    const waiting = lines.toReversed();
    for (let line = waiting.pop(); line; line = waiting.pop()) {
      const { record, again } = this.take(line);
      if (record) records.push(record);
      waiting.push(...again.toReversed());
    }
    return records;
  }

  /** @returns The records of a file that ends within one. */
  end(): CsvRecord[] {
    const records: CsvRecord[] = [];
    while (this.open.length > 0) {
      const { record, again } = this.giveUp();
      records.push(record, ...this.push(again));
    }
    return records;
  }

  private take(line: Line): { record?: CsvRecord; again: Line[] } {
    this.open.push(line);
    this.characters += line.text.length;
    const state = line.problem === null ? this.parser.take(line.text) : 'malformed';
    if (state === 'malformed') return this.giveUp();
    if (state === 'open')
      return this.open.length < MAX_LINES && this.characters <= MAX_CHARACTERS ? { again: [] } : this.giveUp();
    return { record: this.finish(null), again: [] };
  }

  /** Reports the first line of the open record, and returns the others to be read again. */
  private giveUp(): { record: CsvRecord; again: Line[] } {
    const [first, ...again] = this.open as [Line, ...Line[]];
    if (first.problem !== null) this.parser.take(first.text);
    return { record: this.finish(first.problem ?? 'has a quote that is not closed, or is not doubled'), again };
  }

  private finish(problem: string | null): CsvRecord {
    const record = { line: this.open[0]!.number, cells: this.parser.cells, problem };
    this.open = [];
    this.characters = 0;
    this.parser = new RecordParser();
    return record;
  }
}
