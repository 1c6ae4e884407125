// Preloaded into each process of the fleet. It shifts the wall clock by the milliseconds in the file CHAOS_CLOCK, which
// it reads again on SIGUSR2. The monotonic clock does not change, as when an operator or NTP sets the time.
import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const Real = Date;
let offMs = 0;
const read = () => (offMs = Number(readFileSync(process.env.CHAOS_CLOCK, 'utf8')));
const now = () => Real.now() + offMs;

read();
if (isMainThread) process.on('SIGUSR2', read);
globalThis.Date = new Proxy(Real, {
  apply: () => new Real(now()).toString(),
  construct: (_, given, as) => Reflect.construct(Real, given.length === 0 ? [now()] : given, as),
  get: (_, name) => (name === 'now' ? now : Reflect.get(Real, name)),
});
