import type { UIConfig } from '@bull-board/api/dist/types.js';
import { BOARD_PATH } from './board-path.js';

/** Fonts of another host, which would learn of every visit. The page falls back to the fonts of the system. */
const FOREIGN_LINK = /<link\b[^>]*\bhref="https?:[^>]*>/g;
const PLACEHOLDER = /<%[=-]\s*(\w+)\s*%>/g;

/** Icons of the acts that are off: add, duplicate, edit, promote, reschedule, clean, empty and obliterate. */
const OFF_ICONS = ['plus', 'files', 'pencil', 'corner-up-left', 'clock', 'trash-2', 'ban'];
const OFF = OFF_ICONS.flatMap((icon) => [`button:has(> .lucide-${icon})`, `[role=menuitem]:has(> .lucide-${icon})`]);

/** The server refuses these acts; the page should not offer them either. */
const STYLE = `<style>${OFF.join(',')}{display:none}</style>`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

/**
 * @param template The page of the library, an EJS template that only inserts values.
 * @returns The page, which loads nothing from another host.
 */
export function boardPage(template: string, ui: UIConfig): string {
  const values: Record<string, string> = {
    basePath: `${BOARD_PATH}/`,
    title: escaped(ui.boardTitle ?? ''),
    favIconDefault: escaped(ui.favIcon?.default ?? ''),
    favIconAlternative: escaped(ui.favIcon?.alternative ?? ''),
    uiConfig: JSON.stringify(ui).replaceAll('<', '\\u003c'),
  };
  return template
    .replace(FOREIGN_LINK, '')
    .replace(PLACEHOLDER, (_, name: string) => values[name] ?? '')
    .replace('</head>', `${STYLE}</head>`);
}
