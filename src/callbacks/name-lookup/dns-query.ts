import { Resolver } from 'node:dns/promises';

/** Longest wait for the first answer of a nameserver. c-ares doubles it with each further try. */
const TRY_MS = 1_000;
const TRIES = 3;
/** Wait for the addresses of the other family after those of one have arrived (RFC 8305 section 3 proposes 50 ms). */
const OTHER_FAMILY_MS = 300;

/** The addresses of a name; or the reason why it has none, and whether the name's owner is to blame for it. */
export type DnsAnswer = { addresses: string[] } | { code: string; isFinal: boolean };

/** Answers about the name itself: it does not exist, it has no address, it is not a name. Any other error may pass. */
const FINAL_CODES = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/**
 * Asks the nameservers for the IPv4 and IPv6 addresses of a full name. IPv4 addresses come first. It uses c-ares: `dns.lookup`
 * occupies a thread of libuv's pool until it ends, and cannot be cancelled.
 * @param servers Nameservers as `address` or `address:port`; those of the system if there are none.
 * @param signal Ends the query. Its answer is then ECANCELLED.
 */
export async function queryAddresses(
  name: string,
  servers: readonly string[],
  signal: AbortSignal,
): Promise<DnsAnswer> {
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel);
  try {
    if (signal.aborted) return { code: 'ECANCELLED', isFinal: false };
    return await bothFamilies(answered(resolver.resolve4(name)), answered(resolver.resolve6(name)));
  } finally {
    signal.removeEventListener('abort', cancel);
    resolver.cancel();
  }
}

async function bothFamilies(ipv4: Promise<DnsAnswer>, ipv6: Promise<DnsAnswer>): Promise<DnsAnswer> {
  const both = Promise.all([ipv4, ipv6]);
  const first = await Promise.race([ipv4, ipv6]);
  if (!('addresses' in first)) return combined(await both);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<DnsAnswer>((resolve) => (timer = setTimeout(() => resolve(first), OTHER_FAMILY_MS)));
  return Promise.race([both.then(combined), late]).finally(() => clearTimeout(timer));
}

/** Addresses of either family suffice. A name that does not exist has neither; otherwise an error that may pass decides. */
function combined(answers: DnsAnswer[]): DnsAnswer {
  const addresses = answers.flatMap((answer) => ('addresses' in answer ? answer.addresses : []));
  if (addresses.length > 0) return { addresses };
  const errors = answers.flatMap((answer) => ('code' in answer ? answer : []));
  return errors.find(({ code }) => code === 'ENOTFOUND') ?? errors.find(({ isFinal }) => !isFinal) ?? errors[0]!;
}

function answered(addresses: Promise<string[]>): Promise<DnsAnswer> {
  return addresses.then(
    (found) => (found.length > 0 ? { addresses: found } : { code: 'ENODATA', isFinal: true }),
    ({ code = 'UNKNOWN' }: NodeJS.ErrnoException) => ({ code, isFinal: FINAL_CODES.has(code) }),
  );
}
