import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from './logger.js';

const SECRET = 'hunter2';
const TEXT = `cannot reach postgres://daybook:${SECRET}@db/daybook, nor https://example.com/hook?token=${SECRET}`;

let written: string;
const streams = [process.stdout, process.stderr];
const writes = streams.map((stream) => stream.write.bind(stream));

beforeEach(() => {
  written = '';
  const take = (text: string): boolean => ((written += text), true);
  for (const stream of streams) Object.assign(stream, { write: take });
});
afterEach(() => {
  streams.forEach((stream, index) => Object.assign(stream, { write: writes[index] }));
});

describe.each(['text', 'json'] as const)('a line of the log, as %s', (LOG_FORMAT) => {
  it.each<[string, (logger: Logger) => void]>([
    ['a message', (logger) => logger.warn(TEXT)],
    ['a stack', (logger) => logger.error('failed', `Error: ${TEXT}\n    at a (b.js:1:1)`)],
    ['an error', (logger) => logger.error('failed', new Error(TEXT))],
    ['an object', (logger) => logger.log({ url: TEXT })],
  ])('shows no secret of %s', (_, log) => {
    log(new Logger({ LOG_LEVEL: 'debug', LOG_FORMAT }));
    expect(written).toContain('https://example.com/hook?***');
    expect(written).not.toContain(SECRET);
  });

  const HOSTILE = 'name\u001b[2J\n[Daybook] 1 - forged\u009b\u202e';
  it.each<[string, (logger: Logger) => void]>([
    ['a message', (logger) => logger.warn(HOSTILE)],
    ['a stack', (logger) => logger.error('failed', `Error: ${HOSTILE}\n    at a (b.js:1:1)`)],
    ['an error', (logger) => logger.error('failed', new Error(HOSTILE))],
    ['an object', (logger) => logger.log({ name: HOSTILE })],
  ])('has no control characters of %s', (_, log) => {
    log(new Logger({ LOG_LEVEL: 'debug', LOG_FORMAT }));
    expect(written).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
  });

  it('is one line, whatever line breaks a message has', () => {
    new Logger({ LOG_LEVEL: 'debug', LOG_FORMAT }).warn(HOSTILE);
    expect(written.trimEnd()).not.toContain('\n');
  });
});
