/** The answer breaks a rule of HTTP/1.1 that cannot be overlooked. The message completes "The answer is not valid HTTP/1.1: …". */
export class InvalidResponse extends Error {}

/** How the end of a body is found (RFC 9112 section 6.3): by its length, by chunks, or by the end of the connection. */
export type Framing = { length: number } | 'chunked' | 'close';

/** The head of a response. */
export interface ResponseHead {
  status: number;
  framing: Framing;
  /** The head in the strict form that every parser accepts, with the empty line. */
  text: string;
}

const STATUS_LINE = /^HTTP\/(\d)\.(\d) (\d{3})(?: .*)?$/;
/** A name is a token (RFC 9110 section 5.1). Space before the colon is removed, as RFC 9112 section 5.1 has it for responses. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)$/;
/** To be replaced by a space, CR and NUL above all (RFC 9110 section 5.5). */
const CONTROLS = /[^\t -~\x80-\xff]/g;

/**
 * Parses the head of a response as leniently as RFC 9112 allows: lines may end with LF alone, the reason may be missing, values may
 * be folded, and any minor version of HTTP/1 will do.
 * @param lines Its lines without their ends, as Latin-1 text.
 * @throws InvalidResponse
 */
export function parseHead([first = '', ...rest]: string[]): ResponseHead {
  const { status, version } = parseStatusLine(first);
  const fields = parseFields(rest);
  const framing = framingOf(status, fields);
  const lines = fields
    .filter(({ key }) => !FRAMING_FIELDS.has(key) || framing === 'close')
    .map(({ name, value }) => `${name}: ${value}\r\n`);
  return {
    status,
    framing,
    text: `HTTP/1.${version} ${status} \r\n${lines.join('')}${framingField(status, framing)}\r\n`,
  };
}

const ORDINARY_HEAD = /^HTTP\/1\.1 [2-5]\d\d [ -~]*\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: ?[ -~]*\r\n)+\r\n/;
const FRAMING = /\n(?:content-length|transfer-encoding):/gi;
const LENGTH = /\ncontent-length: ?(\d{1,9})\r/i;
const WITHOUT_BODY = /^HTTP\/1\.1 (?:204|304)/;

/**
 * @param text The bytes of a connection, as Latin-1 text.
 * @returns The length of the response with which the text begins. Null unless its head is whole, has the strict form and gives
 *   the length of the body.
 */
export function ordinaryLength(text: string): number | null {
  const [head] = ORDINARY_HEAD.exec(text) ?? [];
  if (head === undefined || WITHOUT_BODY.test(head) || head.match(FRAMING)?.length !== 1) return null;
  const [, length] = LENGTH.exec(head) ?? [];
  return length === undefined ? null : head.length + Number(length);
}

/** @throws InvalidResponse unless it is the status line of HTTP/1. */
export function parseStatusLine(line: string): { status: number; version: 0 | 1 } {
  const [, major, minor, digits] = STATUS_LINE.exec(line.replace(CONTROLS, ' ')) ?? [];
  if (major === undefined) throw new InvalidResponse('its first line is no status line');
  if (major !== '1') throw new InvalidResponse(`its version is HTTP/${major}.${minor}`);
  const status = Number(digits);
  if (status < 100) throw new InvalidResponse(`its status is ${digits}`);
  if (status === 101) throw new InvalidResponse('it switches protocols without having been asked to (101)');
  return { status, version: minor === '0' ? 0 : 1 };
}

interface Field {
  key: string;
  name: string;
  value: string;
}

/** A folded line continues the value before it (RFC 9112 section 5.2). Before the first field it is ignored (section 2.2). */
function parseFields(lines: string[]): Field[] {
  const fields: Field[] = [];
  for (const line of lines) {
    const text = line.replace(CONTROLS, ' ');
    if (/^[ \t]/.test(text)) {
      const folded = fields.at(-1);
      if (folded) folded.value = `${folded.value} ${text.trim()}`.trim();
      continue;
    }
    const [, name, value = ''] = FIELD.exec(text) ?? [];
    if (name === undefined) throw new InvalidResponse('one of its header lines has no name');
    fields.push({ key: name.toLowerCase(), name, value: value.trim() });
  }
  return fields;
}

const FRAMING_FIELDS = new Set(['content-length', 'transfer-encoding']);

function framingOf(status: number, fields: Field[]): Framing {
  // Such a response has no body, whatever its headers say (RFC 9112 section 6.3, rule 1).
  if (status < 200 || status === 204 || status === 304) return { length: 0 };
  const codings = valuesOf(fields, 'transfer-encoding').map((coding) => coding.toLowerCase());
  const known = codings.filter((coding) => coding !== 'identity');
  // It overrides the length (rule 3).
  if (known.length > 0) return known.at(-1) === 'chunked' ? 'chunked' : 'close';
  const lengths = new Set(valuesOf(fields, 'content-length'));
  if (lengths.size === 0) return 'close';
  const [length = ''] = lengths;
  if (lengths.size > 1) throw new InvalidResponse('it has several values of Content-Length');
  if (!/^\d{1,15}$/.test(length)) throw new InvalidResponse('its Content-Length is not a number');
  return { length: Number(length) };
}

function valuesOf(fields: Field[], key: string): string[] {
  const values = fields.filter((field) => field.key === key).flatMap(({ value }) => value.split(','));
  return values.map((value) => value.trim()).filter((value) => value !== '');
}

function framingField(status: number, framing: Framing): string {
  if (framing === 'close') return '';
  if (framing === 'chunked') return 'transfer-encoding: chunked\r\n';
  return status === 204 || status === 304 ? '' : `content-length: ${framing.length}\r\n`;
}
