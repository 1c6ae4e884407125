import { Baseline1767225600000 } from './1767225600000-baseline.js';
import { Books1767312000000 } from './1767312000000-books.js';
import { Users1767398400000 } from './1767398400000-users.js';
import { Mail1767484800000 } from './1767484800000-mail.js';
import { Tickets1767571200000 } from './1767571200000-tickets.js';
import { Schedules1767657600000 } from './1767657600000-schedules.js';

/** Every migration, oldest first. Named one by one: a glob would also pick up source maps and other build output. */
export const migrations = [
  Baseline1767225600000,
  Books1767312000000,
  Users1767398400000,
  Mail1767484800000,
  Tickets1767571200000,
  Schedules1767657600000,
];
