import type { FileColumn } from './row-writer.js';

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONSHIPS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const CONTENT = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

/** The formats of cells: their indexes in {@link CELL_FORMATS}. */
export const STYLE = {
  header: 1,
  numberHeader: 2,
  date: 3,
  time: 4,
  integer: 5,
  money: [6, 7, 8, 9, 10],
  longNumber: 11,
  formulaLike: 12,
} as const;

const NUMBER_FORMATS: Readonly<Record<number, string>> = {
  164: String.raw`yyyy\-mm\-dd`,
  // ISO 8601 in UTC: a spreadsheet's time has no zone, so its format names one.
  165: String.raw`yyyy\-mm\-dd&quot;T&quot;hh:mm:ss.000&quot;Z&quot;`,
  166: '#,##0',
  167: '#,##0.0',
  168: '#,##0.000',
  169: '#,##0.0000',
};

const LEFT = '<alignment horizontal="left"/>';
const RIGHT = '<alignment horizontal="right"/>';
const BOLD = 'fontId="1" applyFont="1"';

const CELL_FORMATS = [
  cellFormat(0),
  cellFormat(0, LEFT, BOLD),
  cellFormat(0, RIGHT, BOLD),
  cellFormat(164, LEFT),
  cellFormat(165, LEFT),
  cellFormat(1),
  // Amounts with 0 to 4 decimals. Formats below 164 are built in; 4 has two decimals.
  ...[166, 167, 4, 168, 169].map((numberFormat) => cellFormat(numberFormat)),
  cellFormat(0, RIGHT),
  // A text that looks like a formula stays a text when the reader edits the cell.
  cellFormat(0, '', 'fontId="0" quotePrefix="1"'),
];

function cellFormat(numberFormat: number, alignment = '', attributes = 'fontId="0"'): string {
  const applied = `${numberFormat > 0 ? ' applyNumberFormat="1"' : ''}${alignment === '' ? '' : ' applyAlignment="1"'}`;
  return `<xf numFmtId="${numberFormat}" fillId="0" borderId="0" xfId="0" ${attributes}${applied}>${alignment}</xf>`;
}

function styles(): string {
  const formats = Object.entries(NUMBER_FORMATS).map(([id, code]) => `<numFmt numFmtId="${id}" formatCode="${code}"/>`);
  const font = '<sz val="11"/><name val="Calibri"/><family val="2"/>';
  const fills = ['none', 'gray125'].map((type) => `<fill><patternFill patternType="${type}"/></fill>`).join('');
  return `${XML}<styleSheet xmlns="${MAIN}"><numFmts count="${formats.length}">${formats.join('')}</numFmts><fonts count="2"><font>${font}</font><font><b/>${font}</font></fonts><fills count="2">${fills}</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="${CELL_FORMATS.length}">${CELL_FORMATS.join('')}</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;
}

/** Widths of columns in characters. In a column that is too narrow, numbers show as `###`, and a long one is cut. */
const WIDTHS = { id: 38, text: 28, date: 12, time: 26, integer: 21, money: 24 } as const;

/** Returns the beginning of a sheet: the first row stays in view, and then come the rows. */
export function sheetStart(columns: readonly FileColumn[]): string {
  const widths = columns.map(({ kind }, index) => {
    return `<col min="${index + 1}" max="${index + 1}" width="${WIDTHS[kind]}" customWidth="1"/>`;
  });
  const cols = widths.length > 0 ? `<cols>${widths.join('')}</cols>` : '';
  return `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>${cols}<sheetData>`;
}

export const SHEET_END = '</sheetData></worksheet>';

/** Returns the path of a sheet in the package. Sheets count from 1. */
export function sheetPath(sheet: number): string {
  return `xl/worksheets/sheet${sheet}.xml`;
}

/** Returns the other parts of a workbook: their paths and contents (ECMA-376). */
export function workbookParts(sheetCount: number): [path: string, xml: string][] {
  const sheets = Array.from({ length: sheetCount }, (_, index) => index + 1);
  const stylesId = sheetCount + 1;
  const list = sheets.map((n) => `<sheet name="Sheet${n}" sheetId="${n}" r:id="rId${n}"/>`).join('');
  const targets = sheets.map((n) => relationship(n, 'worksheet', `worksheets/sheet${n}.xml`)).join('');
  const types = sheets.map((n) => override(sheetPath(n), 'worksheet')).join('');
  return [
    ['xl/styles.xml', styles()],
    [
      'xl/workbook.xml',
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${RELATIONSHIPS}"><bookViews><workbookView/></bookViews><sheets>${list}</sheets></workbook>`,
    ],
    ['xl/_rels/workbook.xml.rels', relationships(`${targets}${relationship(stylesId, 'styles', 'styles.xml')}`)],
    ['_rels/.rels', relationships(relationship(1, 'officeDocument', 'xl/workbook.xml'))],
    [
      '[Content_Types].xml',
      `${XML}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${override('xl/workbook.xml', 'sheet.main')}${override('xl/styles.xml', 'styles')}${types}</Types>`,
    ],
  ];
}

function relationships(content: string): string {
  return `${XML}<Relationships xmlns="${PACKAGE}/relationships">${content}</Relationships>`;
}

function relationship(id: number, type: string, target: string): string {
  return `<Relationship Id="rId${id}" Type="${RELATIONSHIPS}/${type}" Target="${target}"/>`;
}

function override(path: string, type: string): string {
  return `<Override PartName="/${path}" ContentType="${CONTENT}.${type}+xml"/>`;
}
