import { lstatSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError } from './config-error.js';

/** One variable of a file, with the number of the line on which it begins. */
export interface Assignment {
  name: string;
  value: string;
  line: number;
}

/** Far above any real file; a larger one is not a list of settings. */
const MAX_BYTES = 1_048_576;
/** A name, and all behind the `=`. `export` is what a file has that is also read by a shell. */
const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/;
const QUOTES = new Set(['"', "'", '`']);
const FORM = 'it must have the form NAME=value, be empty, or begin with #';

/**
 * Parses the text of a `.env` file as Node does, with every line that Node would skip or misread as an error.
 * @param likely Returns the setting that a line without `=` is likely to mean, for the message.
 * @throws ConfigError that names the line. It never shows a value, which may be a secret.
 */
export function parseDotenv(text: string, likely: (line: string) => string | null): Assignment[] {
  const lines = text.split(/\r\n|\n|\r/);
  const found: Assignment[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    if (/^\s*(#|$)/.test(lines[index]!)) continue;
    const [, name, rest] = ASSIGNMENT.exec(lines[index]!) ?? [];
    if (name === undefined || rest === undefined) {
      const meant = likely(lines[index]!);
      throw new ConfigError(`.env line ${line} sets nothing: ${FORM}${meant ? `. Did you mean ${meant}=…?` : ''}`);
    }
    if (!QUOTES.has(rest[0] ?? '')) {
      if (/[^\s]#/.test(rest))
        throw new ConfigError(`.env line ${line}: ${name} would end before the #. Put the value in quotes`);
      found.push({ name, line, value: parseEnv(`A=${rest}`).A ?? '' });
      continue;
    }
    const quoted = readQuoted([rest, ...lines.slice(line)], name, line);
    index += quoted.split('\n').length - 1;
    found.push({ name, line, value: parseEnv(`A=${quoted}`).A ?? '' });
  }
  return found;
}

/** Returns a quoted value with its quotes, from one line or from several. */
function readQuoted(lines: string[], name: string, line: number): string {
  const text = lines.join('\n');
  const end = text.indexOf(text[0]!, 1);
  if (end < 0) throw new ConfigError(`.env line ${line}: the quote of ${name} does not close`);
  const [after = ''] = text.slice(end + 1).split('\n', 1);
  if (!/^\s*(#|$)/.test(after))
    throw new ConfigError(`.env line ${line}: there is text behind the closing quote of ${name}`);
  return text.slice(0, end + 1);
}

/**
 * Returns the text of a file, without a byte order mark; null if there is none.
 * @throws ConfigError if it cannot be read, or is not UTF-8.
 */
export function readDotenv(path: string): string | null {
  let bytes: Buffer;
  try {
    // A link that leads nowhere is a mistake, and no missing file.
    if (!lstatSync(path, { throwIfNoEntry: false })) return null;
    bytes = readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (bytes.length > MAX_BYTES) throw new ConfigError(`${path} is larger than ${MAX_BYTES} bytes`);
  // UTF-16 has a zero byte in each ASCII character.
  if (bytes.includes(0) || /^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2)))
    throw new ConfigError(`${path} is not UTF-8, but probably UTF-16. Save it as UTF-8`);
  try {
    // The decoder removes a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(`${path} is not UTF-8. Save it as UTF-8`);
  }
}
