/** Longest reply of a server that is stored. */
const DETAIL_LENGTH = 500;

/** Codes of nodemailer for replies to the message, as opposed to the connection or the login. */
const OF_THE_MESSAGE: ReadonlySet<unknown> = new Set(['EENVELOPE', 'EMESSAGE']);

/** An attempt that did not send the message. */
export interface SmtpFailure {
  /** Whether another attempt would fail too: a permanent reply to this message (RFC 5321 section 4.2.1). */
  isFinal: boolean;
  smtpCode: number | null;
  detail: string;
}

/**
 * Returns the meaning of an error of nodemailer. A refused login or greeting is a fault of the connection, whatever its code,
 * and is tried again.
 */
export function smtpFailure(error: unknown): SmtpFailure {
  const { code, responseCode, response, message } = error as {
    code?: unknown;
    responseCode?: number;
    response?: string;
    message?: string;
  };
  const smtpCode = typeof responseCode === 'number' && responseCode > 0 ? responseCode : null;
  const isFinal = OF_THE_MESSAGE.has(code) && smtpCode !== null && smtpCode >= 500 && smtpCode < 600;
  return { isFinal, smtpCode, detail: printable(response || message || String(error)) };
}

/** Returns the text in one line, without control characters: Postgres rejects NUL, and terminals obey others. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, DETAIL_LENGTH);
}
