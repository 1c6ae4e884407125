/** Prefixes of Daybook's secrets: callback secrets, private callback keys, API keys; refresh tokens, cookies, password resets. */
const OUR_SECRETS = /\b(whsec_|whsk_|dbk_|dbr_|dbs_|dbp_)[\w+/=-]+/g;
/** Access tokens: the header of every JWT begins with `{"`. */
const JWT = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;
const BEARER = /\b(Bearer|Basic) [\w.~+/=-]+/gi;
/** User and password in the URL of a database, a Redis or a receiver. A password may itself contain `@` or `/`. */
const CREDENTIALS = /(\b[a-z][a-z\d+.-]*:\/\/)[^\s"'<>]+@/gi;
/** Query strings of callback URLs, which may contain tokens. */
const QUERY = /(\bhttps?:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi;
/** Passwords of this process, wherever they occur. */
const passwords = new Set<string>();

/** Lets {@link redact} replace these texts too. */
export function hide(secrets: readonly string[]): void {
  for (const secret of secrets) passwords.add(secret);
}

/** Replaces every secret of a known form in a text by `***`, and those of {@link hide}, for logs. */
export function redact(text: string): string {
  let shown = text
    .replaceAll(OUR_SECRETS, '$1***')
    .replaceAll(JWT, '***')
    .replaceAll(BEARER, '$1 ***')
    .replaceAll(CREDENTIALS, '$1***@')
    .replaceAll(QUERY, '$1?***');
  for (const password of passwords) shown = shown.replaceAll(password, '***');
  return shown;
}

/** Causes and parts of an error that are shown, in all. */
const MAX_ERRORS = 8;

/**
 * Describes an error with its stack, its causes and the parts of an AggregateError. Other properties are left out: those of
 * HTTP clients and drivers have headers and connection settings.
 */
export function errorText(error: unknown): string {
  const texts: string[] = [];
  const add = (found: unknown, label: string): void => {
    if (texts.length === MAX_ERRORS) return;
    if (!(found instanceof Error)) {
      texts.push(`${label}not an error: ${String(found)}`);
      return;
    }
    texts.push(label + (found.stack ?? found.message));
    if (found instanceof AggregateError) for (const part of found.errors) add(part, 'Part: ');
    if (found.cause !== undefined) add(found.cause, 'Caused by: ');
  };
  add(error, '');
  return redact(texts.join('\n'));
}
