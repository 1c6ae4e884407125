import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../test/support/folder.js';
import { privateFolder } from './private-folder.js';

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

describe('a private folder', () => {
  let parent: string;
  let umask: number;
  beforeEach(async () => {
    parent = await temporaryFolder();
    umask = process.umask(0);
  });
  afterEach(() => void process.umask(umask));

  it('is created for its user only, with its parents, whatever the umask', () => {
    privateFolder(join(parent, 'a/b'));
    expect([modeOf(join(parent, 'a')), modeOf(join(parent, 'a/b'))]).toEqual([0o700, 0o700]);
  });

  it.each([0o777, 0o755, 0o750, 0o701])('is narrowed from %o', (mode) => {
    const path = join(parent, 'wide');
    mkdirSync(path);
    chmodSync(path, mode);
    privateFolder(path);
    expect(modeOf(path)).toBe(0o700);
  });

  it('lets a group pass through if it must', () => {
    const path = join(parent, 'shared');
    privateFolder(path, process.getgid!());
    expect(modeOf(path)).toBe(0o710);
    privateFolder(path);
    expect(modeOf(path)).toBe(0o700);
  });

  // Only root can give a folder to another user.
  const asRoot = process.getuid?.() === 0 ? it : it.failing;
  asRoot('of another user is left alone, and refused when every user may write to it', () => {
    const path = join(parent, 'foreign');
    mkdirSync(path);
    chownSync(path, 12_345, 12_345);
    for (const mode of [0o2775, 0o1777]) {
      chmodSync(path, mode);
      privateFolder(path);
      expect(modeOf(path)).toBe(mode);
    }
    chmodSync(path, 0o777);
    expect(() => privateFolder(path)).toThrow(
      `The folder ${path} belongs to another user, and every user may write to it`,
    );
  });
});
