/**
 * One SQL statement. Its name lets Postgres plan it once per connection; with an empty name it is planned on each use.
 * Positional parameters are `$1`, `$2`, … in the text; {@link statement} compiles named ones.
 */
export interface Statement<Name extends string = never> {
  name: string;
  text: string;
  /** The named parameters, in the order of their numbers in the text. Absent when parameters are positional. */
  parameters?: readonly Name[];
}

/** Values of a statement's parameters: by name if it has named ones, else in order. */
export type Values<Name extends string> = [Name] extends [never] ? unknown[] : Readonly<Record<Name, unknown>>;

/** A string literal, a quoted identifier, a comment, a cast or an assignment is skipped; a parameter's name is captured. */
const TOKEN = /'[^']*'|"[^"]*"|--.*|::|:=|:([A-Za-z_]\w*)/g;

/**
 * Compiles SQL with `:name` parameters, once, when the module is loaded. A name may occur more than once.
 *
 *     const RENEW = statement('lane_renew', 'UPDATE lanes SET lease_until = now() + :leaseMs::interval WHERE name = :lane');
 *     const rows: LaneRow[] = await database.query(RENEW, { lane, leaseMs });
 *
 * The compiler knows the names, so a missing or misspelled value is a type error. This requires a text of literal type:
 * a constant, a template over constants, or the result of a generic function that returns `as const`. Declare the rows'
 * type on the result, as above: a type argument on `query` would switch off the inference of the names.
 *
 * Casts (`::uuid[]`), `:=`, string literals, quoted identifiers and `--` comments are left alone. Write an array slice with
 * spaces (`a[1 : n]`), and no apostrophe or colon in a comment.
 * @throws Error when the text also has positional parameters.
 */
export function statement<const Text extends string>(name: string, text: Text): Statement<NamesIn<Text>> {
  const parameters: string[] = [];
  const compiled = text.replaceAll(TOKEN, (token: string, parameter: string | undefined) => {
    if (parameter === undefined) return token;
    if (!parameters.includes(parameter)) parameters.push(parameter);
    return `$${parameters.indexOf(parameter) + 1}`;
  });
  if (/\$\d/.test(text)) throw new Error(`Statement ${name} mixes named and positional parameters`);
  return { name, text: compiled, parameters: parameters as NamesIn<Text>[] };
}

/** The values of a statement in the order of their numbers, as the driver takes them. */
export function positional<Name extends string = never>(
  { parameters }: Statement<Name>,
  values?: Values<NoInfer<Name>>,
): unknown[] {
  if (!parameters) return (values as unknown[] | undefined) ?? [];
  const named = values as Readonly<Record<Name, unknown>>;
  return parameters.map((parameter) => named[parameter]);
}

type Lower =
  | 'a'
  | 'b'
  | 'c'
  | 'd'
  | 'e'
  | 'f'
  | 'g'
  | 'h'
  | 'i'
  | 'j'
  | 'k'
  | 'l'
  | 'm'
  | 'n'
  | 'o'
  | 'p'
  | 'q'
  | 'r'
  | 's'
  | 't'
  | 'u'
  | 'v'
  | 'w'
  | 'x'
  | 'y'
  | 'z';
type First = Lower | Uppercase<Lower> | '_';
type Following = First | `${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`;

/** The names of the parameters in a text; `string` if the text is not a literal. */
type NamesIn<Text extends string> = string extends Text ? string : NamesOutsideLiterals<Text>;

type NamesOutsideLiterals<
  Text extends string,
  Found extends string = never,
> = Text extends `${infer Before}'${string}'${infer After}`
  ? NamesOutsideLiterals<After, Found | NamesAfterColons<Before>>
  : Found | NamesAfterColons<Text>;

type NamesAfterColons<Text extends string, Found extends string = never> = Text extends `${string}:${infer After}`
  ? After extends `:${infer AfterCast}`
    ? NamesAfterColons<AfterCast, Found>
    : NamesAfterColons<After, Found | (After extends `${First}${string}` ? NameAtStart<After> : never)>
  : Found;

type NameAtStart<Text extends string, Name extends string = ''> = Text extends `${infer Character}${infer After}`
  ? Character extends Following
    ? NameAtStart<After, `${Name}${Character}`>
    : Name
  : Name;
