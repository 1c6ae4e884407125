/** An HTTP request as somebody wrote it to a file. */
export interface CapturedRequest {
  /** By name in lower case; of a header that stands there more than once all values, separated by spaces. */
  headers: Map<string, string>;
  /** Byte for byte what stands behind the first blank line. */
  body: Buffer;
}

/** What was given is no HTTP request. */
export class NotARequest extends Error {}

const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/[123](\.[01])?$/;
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*$/;
const MAX_HEADERS = 200;

/**
 * Reads a request: request line, headers, a blank line, the body. Lines of the head end with CRLF or LF.
 * @throws NotARequest
 */
export function readCapture(capture: Buffer): CapturedRequest {
  const headers = new Map<string, string>();
  let start = 0;
  for (let number = 1; number <= MAX_HEADERS + 2; number++) {
    const end = capture.indexOf(0x0a, start);
    if (end < 0) throw new NotARequest('No blank line ends the headers; the body belongs behind one');
    const line = capture.toString('latin1', start, end).replace(/\r$/, '');
    start = end + 1;
    if (number === 1) {
      if (!REQUEST_LINE.test(line)) throw new NotARequest('Line 1 is no request line such as POST /hook HTTP/1.1');
      continue;
    }
    if (line === '') return { headers, body: capture.subarray(start) };
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new NotARequest(`Line ${number} is no header`);
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value : `${before} ${value}`);
  }
  throw new NotARequest(`There are more than ${MAX_HEADERS} headers`);
}
