import { readFileSync } from 'node:fs';

/** A fenced block of a document. */
export interface Block {
  /** What stands behind the opening fence. */
  language: string;
  text: string;
  /** Of the opening fence, counted from 1. */
  line: number;
}

/** A document of the project, by its path from the root. */
export function readDocument(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** Every fenced block of a section: from the heading with this text to the next one of the same rank. */
export function blocksOf(document: string, heading: string): Block[] {
  const lines = document.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`There is no section "${heading}"`);
  const rank = lines[start]!.indexOf(' ');
  const blocks: Block[] = [];
  let open: Block | null = null;
  for (const [index, line] of lines.entries()) {
    if (index <= start) continue;
    if (!open && new RegExp(`^#{1,${rank}} `).test(line)) break;
    if (!line.startsWith('```')) {
      if (open) open.text += `${line}\n`;
    } else if (open) {
      blocks.push(open);
      open = null;
    } else {
      open = { language: line.slice(3), text: '', line: index + 1 };
    }
  }
  return blocks;
}

/** The cells of the table whose first column has this title, without its head. */
export function tableOf(document: string, firstColumn: string): string[][] {
  const lines = document.split('\n');
  const head = lines.findIndex((line) => line.startsWith('|') && cellsOf(line)[0] === firstColumn);
  if (head < 0) throw new Error(`There is no table of "${firstColumn}"`);
  const rows = lines.slice(head + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map(cellsOf);
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
