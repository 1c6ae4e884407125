// Fails on a known vulnerability of high or critical severity in what runs in production. A registry that cannot be asked
// is not a reason to fail: the next run asks again.
import { spawnSync } from 'node:child_process';

const TIMEOUT_MS = 60_000;
const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=1'], {
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  shell: process.platform === 'win32',
});

/** What the registry said, or null. */
function answerOf(text) {
  try {
    const answer = JSON.parse(text);
    return answer.metadata?.vulnerabilities ? answer : null;
  } catch {
    return null;
  }
}

const answer = answerOf(stdout);
if (!answer) {
  console.warn('The registry gives no advisories; dependencies were not audited.');
} else {
  const { high, critical } = answer.metadata.vulnerabilities;
  console.log(`Known vulnerabilities: ${high} high, ${critical} critical`);
  for (const { name, severity, range } of Object.values(answer.vulnerabilities ?? {})) {
    if (severity === 'high' || severity === 'critical') console.error(`${severity}: ${name} ${range}`);
  }
  if (high + critical > 0) process.exitCode = 1;
}
