import { expect, it } from '@jest/globals';
import { urlName } from './url-name.js';

const isName = (name: string): boolean => urlName.safeParse(name).success;

it.each(['a', '...', '.a', 'a.', '..a', '.:', '-', 'a.b:c_d-e', 'x'.repeat(64), `.${'x'.repeat(63)}`, '.'.repeat(64)])(
  '%j is a name that survives in a path',
  (name) => {
    expect(isName(name)).toBe(true);
    expect(new URL(`/lanes/${name}/pause`, 'http://a').pathname).toBe(`/lanes/${name}/pause`);
  },
);

it.each(['', '.', '..', '%2e%2e', 'a/b', 'a b', 'é', 'a\n', 'x'.repeat(65), '.'.repeat(65), `.${'x'.repeat(64)}`])(
  '%j is refused',
  (name) => expect(isName(name)).toBe(false),
);
