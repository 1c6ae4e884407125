import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LOADER = new URL('../../test/support/typescript.js', import.meta.url).href;

/**
 * Starts a program of this folder in a new process.
 * @param name File name without `.ts`, for example `sink.process`.
 */
export function forkProgram(name: string, args: string[] = []): ChildProcess {
  return fork(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), args, { execArgv: ['--import', LOADER] });
}
