/** A placeholder in documents for text that differs from run to run. */
const ANYTHING = '…';
/** `…` as a value: any value. */
const VALUE = '\0value';
/** `…` as a field or an element: any number of them. */
const REST = '\0rest';

/**
 * Compares JSON with the JSON that a document shows. In the document, `…` matches any characters of a string, any
 * value, or any number of fields or elements. The order of fields does not matter.
 * @returns The place of the first difference and the difference; null when they match.
 */
export function jsonDifference(shown: string, printed: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(printed);
  } catch {
    return `not JSON: ${printed.slice(0, 200)}`;
  }
  return difference(JSON.parse(withPlaceholders(shown)), value, '$');
}

/**
 * Compares lines. In the document, `…` matches any characters of a line; alone on a line, it matches any number of
 * lines.
 * @returns A message with the printed text; null when it matches.
 */
export function textDifference(shown: string, printed: string): string | null {
  const lines = shown.trimEnd().split('\n');
  const parts = lines.map((line) => (line.trim() === ANYTHING ? '(?:.*\\n)*?' : `${inLine(line.trimEnd())}[ \\t]*\\n`));
  const text = `${printed.replaceAll('\r', '').trimEnd()}\n`;
  return new RegExp(`^${parts.join('')}$`).test(text) ? null : `printed instead:\n${text}`;
}

/** Returns the pattern of one line, or of a string without line breaks. */
function inLine(shown: string): string {
  return shown
    .split(ANYTHING)
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*?');
}

/** Replaces each bare `…` by valid JSON that depends on the tokens around it. */
function withPlaceholders(shown: string): string {
  const open: string[] = [];
  let previous = '';
  return shown.replaceAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,…]/g, (token) => {
    const before = previous;
    previous = token;
    if (token === '{' || token === '[') open.push(token);
    if (token === '}' || token === ']') open.pop();
    if (token !== ANYTHING) return token;
    if (before === ':') return JSON.stringify(VALUE);
    return open.at(-1) === '{' ? `${JSON.stringify(REST)}: 0` : JSON.stringify(REST);
  });
}

function difference(shown: unknown, value: unknown, path: string): string | null {
  if (shown === VALUE) return null;
  const differs = `${path} is ${JSON.stringify(value)}, not ${JSON.stringify(shown)}`;
  if (typeof shown === 'string') {
    return typeof value === 'string' && new RegExp(`^${inLine(shown)}$`, 's').test(value) ? null : differs;
  }
  if (Array.isArray(shown)) return Array.isArray(value) ? arrayDifference(shown, value, path) : differs;
  if (typeof shown === 'object' && shown !== null) {
    return isObject(value) ? objectDifference(shown as Record<string, unknown>, value, path) : differs;
  }
  return Object.is(shown, value) ? null : differs;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectDifference(
  { [REST]: rest, ...shown }: Record<string, unknown>,
  value: Record<string, unknown>,
  path: string,
): string | null {
  const unshown = Object.keys(value).filter((key) => !(key in shown));
  if (rest === undefined && unshown.length > 0) return `${path} also has ${unshown.join(', ')}`;
  for (const [key, part] of Object.entries(shown)) {
    if (!(key in value)) return `${path} has no ${key}`;
    const found = difference(part, value[key], `${path}.${key}`);
    if (found) return found;
  }
  return null;
}

function arrayDifference(shown: unknown[], values: unknown[], path: string): string | null {
  const [first, ...others] = shown;
  if (first === REST) {
    const starts = Array.from({ length: values.length + 1 }, (_, skipped) => values.slice(skipped));
    const found = starts.map((left) => arrayDifference(others, left, path));
    return found.includes(null) ? null : found[0]!;
  }
  if (shown.length === 0) return values.length === 0 ? null : `${path} has ${values.length} more elements`;
  if (values.length === 0) return `${path} ends before ${JSON.stringify(first)}`;
  return difference(first, values[0], `${path}[]`) ?? arrayDifference(others, values.slice(1), path);
}
