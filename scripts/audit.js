// Fails on a known vulnerability of high or critical severity in a production package. The last line begins with
// "Audit:", and `.ci/run` prints it again at its end. If the registry does not respond, the script passes and prints
// "not checked", because the next run checks again.
import { spawnSync } from 'node:child_process';
import { npmCommand } from './npm.js';

const TIMEOUT_MS = Number(process.env.AUDIT_TIMEOUT_MS ?? 60_000);
const MAX_BYTES = 64 * 1024 * 1024;
const { stdout, error } = spawnSync(...npmCommand('audit', '--omit=dev', '--json', '--fetch-retries=1'), {
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  maxBuffer: MAX_BYTES,
});

/** Parses the output of npm. Returns undefined if it is not JSON, as after a timeout. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the reason for missing advisories in one line. */
function reasonOf(answer) {
  const reason = error?.code ?? answer?.message ?? answer?.error?.summary ?? 'npm reported no result';
  return String(reason === 'ETIMEDOUT' ? `no answer within ${TIMEOUT_MS / 1_000} s` : reason).split('\n')[0];
}

const answer = parsed(stdout);
const counts = answer?.metadata?.vulnerabilities;
if (!counts) {
  const line = `Audit: not checked, because the registry gave no advisories (${reasonOf(answer)})`;
  // GitHub shows this as an annotation of the run.
  if (process.env.GITHUB_ACTIONS === 'true') console.log(`::warning title=Audit::${line}`);
  console.log(line);
} else {
  for (const { name, severity, range } of Object.values(answer.vulnerabilities ?? {})) {
    if (severity === 'high' || severity === 'critical') console.error(`${severity}: ${name} ${range}`);
  }
  console.log(`Audit: ${counts.high} high, ${counts.critical} critical`);
  if (counts.high + counts.critical > 0) process.exitCode = 1;
}
