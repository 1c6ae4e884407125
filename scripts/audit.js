// Fails on a known vulnerability of high or critical severity in the packages that run in production. Its last line begins
// with "Audit:", and `.ci/run` shows it again at its end. A registry that does not answer is no reason to fail, because the
// next run asks again; but then the line says "not checked".
import { spawnSync } from 'node:child_process';
import { npmCommand } from './npm.js';

const TIMEOUT_MS = Number(process.env.AUDIT_TIMEOUT_MS ?? 60_000);
const MAX_BYTES = 64 * 1024 * 1024;
const { stdout, error } = spawnSync(...npmCommand('audit', '--omit=dev', '--json', '--fetch-retries=1'), {
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  maxBuffer: MAX_BYTES,
});

/** The response of npm; undefined if it is not JSON, as after the timeout. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why the registry gave no advisories, in one line. */
function reasonOf(answer) {
  const reason = error?.code ?? answer?.message ?? answer?.error?.summary ?? 'npm reported no result';
  return String(reason === 'ETIMEDOUT' ? `no answer within ${TIMEOUT_MS / 1_000} s` : reason).split('\n')[0];
}

const answer = parsed(stdout);
const counts = answer?.metadata?.vulnerabilities;
if (!counts) {
  const line = `Audit: not checked, because the registry gave no advisories (${reasonOf(answer)})`;
  // GitHub shows it on the page of the run.
  if (process.env.GITHUB_ACTIONS === 'true') console.log(`::warning title=Audit::${line}`);
  console.log(line);
} else {
  for (const { name, severity, range } of Object.values(answer.vulnerabilities ?? {})) {
    if (severity === 'high' || severity === 'critical') console.error(`${severity}: ${name} ${range}`);
  }
  console.log(`Audit: ${counts.high} high, ${counts.critical} critical`);
  if (counts.high + counts.critical > 0) process.exitCode = 1;
}
