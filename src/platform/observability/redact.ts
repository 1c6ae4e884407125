/** Prefixes of Daybook's secrets: callback secrets, private callback keys, API keys. */
const OUR_SECRETS = /\b(whsec_|whsk_|dbk_)[\w+/=-]+/g;
const BEARER = /\b(Bearer|Basic) [\w.~+/=-]+/gi;
/** User and password in the URL of a database, a Redis or a receiver. */
const CREDENTIALS = /(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@"']+@/gi;
/** Query strings of callback URLs, which may contain tokens. */
const QUERY = /(\bhttps?:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi;

/** Replaces every secret of a known form in a text by `***`, for logs. */
export function redact(text: string): string {
  return text
    .replaceAll(OUR_SECRETS, '$1***')
    .replaceAll(BEARER, '$1 ***')
    .replaceAll(CREDENTIALS, '$1***@')
    .replaceAll(QUERY, '$1?***');
}
