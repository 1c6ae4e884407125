/** The settings of resolv.conf(5) that c-ares does not apply to a single query. */
export interface SearchList {
  /** Domains that are appended to a name, in order. */
  domains: string[];
  /** A name with at least this number of dots is tried as it is first. */
  ndots: number;
}

/** The resolver's own limit (resolv.conf(5)). */
const MAX_NDOTS = 15;
/** Each domain costs a query for every name that does not exist. */
const MAX_DOMAINS = 32;

/** Parses `search`, `domain` and `options ndots:n`. The last line of a kind counts, and `search` and `domain` are one kind. */
export function parseSearchList(text: string): SearchList {
  const list: SearchList = { domains: [], ndots: 1 };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/s, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'search') list.domains = values;
    else if (keyword === 'domain') list.domains = values.slice(0, 1);
    else if (keyword === 'options') list.ndots = ndotsOf(values) ?? list.ndots;
  }
  // The root, `search .`, disables searching.
  const domains = list.domains.map((domain) => domain.toLowerCase().replace(/^\.|\.$/g, ''));
  return { ...list, domains: domains.filter((domain) => domain !== '').slice(0, MAX_DOMAINS) };
}

function ndotsOf(options: string[]): number | undefined {
  const given = options.map((option) => /^ndots:(\d+)$/.exec(option)?.[1]).findLast((digits) => digits !== undefined);
  return given === undefined ? undefined : Math.min(Number(given), MAX_NDOTS);
}

/** @returns The full names that a name may stand for, in the order in which they are tried (resolver(3), `res_search`). */
export function candidates(name: string, { domains, ndots }: SearchList): string[] {
  const searched = domains.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}
