/** What a secret of ours begins with: secrets of callbacks, private keys of callbacks, API keys. */
const OUR_SECRETS = /\b(whsec_|whsk_|dbk_)[\w+/=-]+/g;
const BEARER = /\b(Bearer|Basic) [\w.~+/=-]+/gi;
/** Name and password in the URL of a database, a Redis, a receiver. */
const CREDENTIALS = /(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@"']+@/gi;
/** Receivers put tokens into the query string of their callback URL. */
const QUERY = /(\bhttps?:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi;

/** A text with every secret in it that we know the look of replaced by `***`. For logs. */
export function redact(text: string): string {
  return text
    .replaceAll(OUR_SECRETS, '$1***')
    .replaceAll(BEARER, '$1 ***')
    .replaceAll(CREDENTIALS, '$1***@')
    .replaceAll(QUERY, '$1?***');
}
