/** An HTTP request that was captured in a file. */
export interface CapturedRequest {
  /** Values by name in lower case. The values of a repeated header are joined with spaces. */
  headers: Map<string, string>;
  /** The bytes after the first blank line. */
  body: Buffer;
}

/** The text is not an HTTP request. */
export class NotARequest extends Error {}

const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/[123](\.[01])?$/;
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*$/;
const MAX_HEADERS = 200;

/**
 * Parses a request: request line, headers, a blank line and the body. Lines of the head end with CRLF or LF.
 * @throws NotARequest
 */
export function readCapture(capture: Buffer): CapturedRequest {
  const headers = new Map<string, string>();
  let start = 0;
  for (let number = 1; number <= MAX_HEADERS + 2; number++) {
    const end = capture.indexOf(0x0a, start);
    if (end < 0) throw new NotARequest('The headers do not end with a blank line, which must precede the body');
    const line = capture.toString('latin1', start, end).replace(/\r$/, '');
    start = end + 1;
    if (number === 1) {
      if (!REQUEST_LINE.test(line)) throw new NotARequest('Line 1 is not a request line such as POST /hook HTTP/1.1');
      continue;
    }
    if (line === '') return { headers, body: capture.subarray(start) };
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new NotARequest(`Line ${number} is not a header`);
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value : `${before} ${value}`);
  }
  throw new NotARequest(`There are more than ${MAX_HEADERS} headers`);
}
