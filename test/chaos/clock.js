// Loaded into each process of the fleet: its wall clock is off by as many milliseconds as CHAOS_CLOCK, a file, says.
// SIGUSR2 makes it read the file again. The monotonic clock is left alone, as it is when an operator or NTP sets the time.
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
