import { inMajorUnits, minorUnits } from '../../platform/currency-decimals.js';
import { ReportFailed } from '../report-failed.js';
import { DAY_MS, epochDay, epochMs } from './calendar-cells.js';
import { type CellRow, type FileColumn, integerCell } from './row-writer.js';
import { STYLE } from './xlsx-parts.js';

/** Excel refuses a workbook with a longer cell. Counted in UTF-16 code units. */
const MAX_CHARACTERS = 32_767;
const CUT = '… [cut: the text is longer than a cell of a workbook]';

/** Excel keeps 15 digits of a number. A longer one becomes text, which keeps them all. */
const MAX_DIGITS = 15;

/** 1970-01-01 as a day of a spreadsheet. */
const EPOCH_SERIAL = 25_569;
/** 1900-03-01. Earlier days mean different things to different spreadsheets: Excel takes 1900 for a leap year. */
const FIRST_SERIAL = 61;

// Characters that XML does not have, and carriage returns, which its parsers drop.
const FORBIDDEN = '[\\u0000-\\u0008\\u000b-\\u001f\\ufffe\\uffff]';
const SPECIAL = new RegExp(`[&<>]|${FORBIDDEN}|_x[0-9A-Fa-f]{4}`);
/** An underscore that would begin an escape, together with the characters behind it. */
const ESCAPE_LIKE = new RegExp(`_(?=x[0-9A-Fa-f]{4}(?:_|${FORBIDDEN}))`, 'g');
const FORBIDDEN_ALL = new RegExp(FORBIDDEN, 'g');
/** An amount with up to four decimals. */
const DECIMAL = /^-?\d+(?:\.\d{1,4})?$/;
const OUTER_SPACE = /^\s|\s$|\n|\s\s/;
/** Texts that a spreadsheet takes for a formula when the cell is typed again. */
const FORMULA_LIKE = /^[=+\-@]/;

/** Returns a text as the content of an XML element, as workbooks escape it (ECMA-376, 22.9.2.19, `ST_Xstring`). */
export function xmlText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text
    .replace(ESCAPE_LIKE, '_x005F_')
    .replace(FORBIDDEN_ALL, (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Returns the name of a column: A to Z, AA and so on. */
export function columnName(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : columnName(Math.floor(index / 26) - 1) + last;
}

/** Writes the cells of rows as sheet XML. */
export class XlsxCells {
  private readonly openings: readonly string[];

  /** @param currencyColumn See `XlsxOptions`. */
  constructor(
    private readonly columns: readonly FileColumn[],
    private readonly currencyColumn?: number,
  ) {
    this.openings = columns.map((_, index) => `<c r="${columnName(index)}`);
  }

  /** @param row The row of the sheet, from 1. */
  header(row: number): string {
    const cells = this.columns.map(({ name, kind }, index) => {
      const style = kind === 'integer' || kind === 'money' ? STYLE.numberHeader : STYLE.header;
      return `${this.openings[index]}${row}" s="${style}"${inline(name)}`;
    });
    return `<row r="${row}">${cells.join('')}</row>`;
  }

  /** @param row The row of the sheet, from 1. */
  row(cells: CellRow, row: number): string {
    let xml = `<row r="${row}">`;
    const reference = `${row}"`;
    for (let index = 0; index < this.columns.length; index++) {
      const cell = cells[index];
      if (cell !== null && cell !== undefined) xml += this.openings[index]! + reference + this.rest(cell, index, cells);
    }
    return `${xml}</row>`;
  }

  /** Returns a cell behind its reference. */
  private rest(cell: string, index: number, cells: CellRow): string {
    const column = this.columns[index]!;
    const { kind } = column;
    if (kind === 'integer') return number(integerCell(cell, column), STYLE.integer);
    if (kind === 'money') return this.amount(cell, column, cells);
    if (kind === 'date') return dayOrText(epochDay(cell), cell);
    return kind === 'time' ? timeOrText(epochMs(cell)) : textCell(cell);
  }

  private amount(cell: string, column: FileColumn, cells: CellRow): string {
    if (this.currencyColumn === undefined) {
      if (!DECIMAL.test(cell)) throw new ReportFailed(`Column ${column.name}: ${cell.slice(0, 100)} is not an amount`);
      const point = cell.indexOf('.');
      return number(cell, STYLE.money[point < 0 ? 0 : cell.length - point - 1]!);
    }
    const currency = cells[this.currencyColumn];
    if (!currency) throw new ReportFailed(`Column ${column.name}: the row has no currency`);
    const decimals = minorUnits(currency);
    return number(inMajorUnits(integerCell(cell, column), decimals), STYLE.money[decimals]!);
  }
}

function inline(text: string): string {
  const space = OUTER_SPACE.test(text) ? ' xml:space="preserve"' : '';
  return ` t="inlineStr"><is><t${space}>${xmlText(text)}</t></is></c>`;
}

function textCell(cell: string): string {
  const style = FORMULA_LIKE.test(cell) ? ` s="${STYLE.formulaLike}"` : '';
  return `${style}${inline(cell.length > MAX_CHARACTERS ? shortened(cell) : cell)}`;
}

/** Cuts a text to the length of a cell. A pair of surrogates stays whole. */
function shortened(cell: string): string {
  const kept = cell.slice(0, MAX_CHARACTERS - CUT.length);
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}${CUT}`;
}

/** @param decimal A decimal number, which is written as it is: no digit passes through a float. */
function number(decimal: string, style: number): string {
  const digits = decimal.length - (decimal.startsWith('-') ? 1 : 0) - (decimal.includes('.') ? 1 : 0);
  return digits > MAX_DIGITS ? ` s="${STYLE.longNumber}"${inline(decimal)}` : ` s="${style}"><v>${decimal}</v></c>`;
}

function dayOrText(day: number, cell: string): string {
  const serial = day + EPOCH_SERIAL;
  return serial < FIRST_SERIAL ? inline(cell) : ` s="${STYLE.date}"><v>${serial}</v></c>`;
}

function timeOrText(ms: number): string {
  const serial = ms / DAY_MS + EPOCH_SERIAL;
  return serial < FIRST_SERIAL ? inline(new Date(ms).toISOString()) : ` s="${STYLE.time}"><v>${serial}</v></c>`;
}
