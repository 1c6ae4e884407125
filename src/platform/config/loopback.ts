const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** Whether a host of a URL is a loopback address, or a name that resolves to one (RFC 6761, section 6.3). */
export function isLoopbackName(host: string): boolean {
  return LOOPBACK.test(host);
}

/** Whether a process that listens on this `HOST` is reachable from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return isLoopbackName(host.includes(':') ? `[${host}]` : host);
}
