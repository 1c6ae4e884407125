import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block of a document. */
export interface Block {
  /** The info string of the opening fence. */
  language: string;
  text: string;
  /** Line number of the opening fence, from 1. */
  line: number;
}

/** Reads a document of the project by its path from the root. */
export function readDocument(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** Paths of all documents: the Markdown files at the root and below `docs`. */
export function documentPaths(): string[] {
  const below = readdirSync(`${ROOT}docs`, { recursive: true }).map((name) => `docs/${String(name)}`);
  return [...readdirSync(ROOT), ...below].filter((name) => name.endsWith('.md')).toSorted();
}

/**
 * Returns every fenced block of a section: from its heading to the next one of the same or a higher rank.
 * @param heading The text of the heading; without it, the whole document is the section.
 */
export function blocksOf(document: string, heading?: string): Block[] {
  const lines = document.split('\n');
  const start = heading === undefined ? -1 : lines.findIndex((line) => headingOf(line)?.text === heading);
  if (heading !== undefined && start < 0) throw new Error(`There is no section "${heading}"`);
  const rank = start < 0 ? 0 : headingOf(lines[start]!)!.rank;
  const blocks: Block[] = [];
  let open: Block | null = null;
  for (const [index, line] of lines.entries()) {
    if (index <= start) continue;
    const found = headingOf(line);
    if (!open && found && found.rank <= rank) break;
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

/** Returns the anchors of a document's headings, as GitHub generates them. */
export function anchorsOf(document: string): Set<string> {
  const anchors = new Set<string>();
  for (const line of withoutBlocks(document).split('\n')) {
    const heading = headingOf(line);
    if (!heading) continue;
    const text = heading.text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Returns the targets of a document's links, blocks of code left out. */
export function linksOf(document: string): string[] {
  return [...withoutBlocks(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** Returns the cells of the table whose first column has this title, without the header row. */
export function tableOf(document: string, firstColumn: string): string[][] {
  const lines = document.split('\n');
  const head = lines.findIndex((line) => line.startsWith('|') && cellsOf(line)[0] === firstColumn);
  if (head < 0) throw new Error(`There is no table of "${firstColumn}"`);
  const rows = lines.slice(head + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map(cellsOf);
}

function headingOf(line: string): { rank: number; text: string } | null {
  const [, marks, text] = /^(#{1,6}) (.*)$/.exec(line) ?? [];
  return marks && text ? { rank: marks.length, text } : null;
}

function withoutBlocks(document: string): string {
  return document.replaceAll(/^```[^]*?^```$/gm, '');
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
