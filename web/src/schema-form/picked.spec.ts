import { describe, expect, it } from 'vitest';
import { moved, pickedOf, textOfPicked, toggled } from './picked';

const CHOICES = ['a', 'b', 'c'];

describe('columns of a report', () => {
  it('are all without a choice, and an unknown one is left out', () => {
    expect(pickedOf('', CHOICES)).toEqual(CHOICES);
    expect(pickedOf('c, x, a, c', CHOICES)).toEqual(['c', 'a']);
  });

  it('are left out of the request when they are all in their usual order', () => {
    expect(textOfPicked(CHOICES, CHOICES)).toBe('');
    expect(textOfPicked(['b', 'a', 'c'], CHOICES)).toBe('b,a,c');
  });

  it('are added at the end and removed, except the last', () => {
    expect(toggled(['c'], 'a')).toEqual(['c', 'a']);
    expect(toggled(['c', 'a'], 'c')).toEqual(['a']);
    expect(toggled(['a'], 'a')).toEqual(['a']);
  });

  it('move by one place, and no further than the ends', () => {
    expect(moved(CHOICES, 'c', -1)).toEqual(['a', 'c', 'b']);
    expect(moved(CHOICES, 'a', 1)).toEqual(['b', 'a', 'c']);
    expect(moved(CHOICES, 'a', -1)).toEqual(CHOICES);
    expect(moved(CHOICES, 'c', 1)).toEqual(CHOICES);
  });
});
