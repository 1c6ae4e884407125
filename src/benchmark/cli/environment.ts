import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The software and the machine that produced a figure. */
export interface Environment {
  commit: string | null;
  daybook: string;
  node: string;
  platform: string;
  cpu: string;
  cores: number;
  memoryGb: number;
  at: string;
}

/** From `dist/src/benchmark/cli`. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const GIT_TIMEOUT_MS = 2_000;

/** @returns The environment of this process, now. */
export function readEnvironment(): Environment {
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };
  return {
    commit: git('rev-parse', '--short=12', 'HEAD'),
    daybook: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    at: new Date().toISOString(),
  };
}

/** Null without a repository or without git. */
function git(...args: string[]): string | null {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', timeout: GIT_TIMEOUT_MS, stdio }).trim();
  } catch {
    return null;
  }
}
