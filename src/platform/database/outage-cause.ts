/**
 * Why Postgres cannot serve a statement now, although the statement is right. The names are stable: `/readyz`, `/api/health`
 * and docs/operations.md use them.
 */
export type OutageCause =
  | 'unreachable'
  | 'refused'
  | 'stopping'
  | 'read-only'
  | 'too-many-connections'
  | 'timeout'
  | 'locked'
  | 'conflict'
  | 'disk-full'
  | 'out-of-memory'
  | 'system-error'
  | 'stale-statement';

/**
 * SQLSTATEs and their classes (Postgres manual, appendix A); a longer entry comes before its class. All others are faults
 * of the statement, its values, or the schema, and do not pass by themselves.
 */
const SQLSTATES: readonly (readonly [string, OutageCause])[] = [
  ['08', 'unreachable'],
  ['25006', 'read-only'],
  ['25P03', 'timeout'], // idle_in_transaction_session_timeout
  ['25P04', 'timeout'], // transaction_timeout
  ['26000', 'stale-statement'], // a pooler or DISCARD has dropped the prepared statement
  ['42P05', 'stale-statement'], // a pooler has handed out a connection that has the prepared statement already
  ['28', 'refused'], // password or pg_hba.conf
  ['3D000', 'refused'], // the database was dropped or renamed
  ['40001', 'conflict'],
  ['40P01', 'conflict'],
  ['40003', 'unreachable'], // it is unknown whether the statement was completed
  ['40000', 'conflict'],
  ['53100', 'disk-full'],
  ['53200', 'out-of-memory'],
  ['53300', 'too-many-connections'],
  ['53', 'system-error'],
  ['55000', 'stopping'], // ALLOW_CONNECTIONS false, or an operation that a standby cannot do
  ['55006', 'locked'],
  ['55P03', 'locked'],
  ['57014', 'timeout'], // statement_timeout, or pg_cancel_backend
  ['57P05', 'timeout'], // idle_session_timeout
  ['57', 'stopping'],
  ['58', 'system-error'],
  ['72000', 'conflict'], // snapshot too old
];

/** Errors of the socket. A connection of several addresses fails with the code of the first. */
const SOCKET_CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|ETIMEDOUT|ENOTFOUND|EPIPE|EAI_\w+|ENOENT|E(HOST|NET)(UNREACH|DOWN)|EADDRNOTAVAIL|EMFILE|ENFILE)$/;
const TLS_CODES = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;
/** Errors of node-postgres and of its pool, which have no code. */
const DRIVER_MESSAGES = /Connection terminated|is not queryable|connection timeout|pool after calling end/i;
/** All connections of the pool stayed in use. For a connection that cannot be opened, pg-pool has another message. */
const POOL_TIMEOUT = /timeout exceeded when trying to connect/i;
/** Postgres reports this under a code that is otherwise a fault of the statement. It ends with a new connection. */
const STALE_PLAN = /cached plan must not change result type/;

/** @returns Why the server cannot serve a statement now; null for an error of the statement or of the program. */
export function outageCause(error: unknown): OutageCause | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error ? String(error.code) : '';
  if (SOCKET_CODES.test(code)) return 'unreachable';
  if (TLS_CODES.test(code)) return 'refused';
  if (code === '0A000' && STALE_PLAN.test(error.message)) return 'stale-statement';
  // `EPIPE` and SQLSTATEs are both five characters, but no SQLSTATE of the list begins with a letter.
  const known = SQLSTATES.find(([prefix]) => code.length === 5 && code.startsWith(prefix));
  if (known) return known[1];
  if (POOL_TIMEOUT.test(error.message)) return 'timeout';
  return DRIVER_MESSAGES.test(error.message) ? 'unreachable' : null;
}
