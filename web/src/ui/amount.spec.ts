import { describe, expect, it } from 'vitest';
import { centsOf, decimalOf } from './amount';

describe('amounts', () => {
  it.each([
    ['12.50', 'USD', 1250],
    ['12,5', 'EUR', 1250],
    ['12', 'USD', 1200],
    ['-0.07', 'USD', -7],
    ['-0', 'USD', 0],
    ['1999', 'JPY', 1999],
    ['1.234', 'KWD', 1234],
    ['0.29', 'USD', 29],
  ])('reads %s %s as %d', (text, currency, cents) => {
    expect(centsOf(text, currency)).toBe(cents);
  });

  it.each([
    ['', 'USD'],
    ['1.234', 'USD'],
    ['1.5', 'JPY'],
    ['1e3', 'USD'],
    ['1,000.00', 'USD'],
    ['.5', 'USD'],
  ])('refuses %j %s', (text, currency) => {
    expect(centsOf(text, currency)).toBeNull();
  });

  it.each([
    [1250, 'USD', '12.50'],
    [-7, 'EUR', '-0.07'],
    [1999, 'JPY', '1999'],
  ])('writes %d %s as %s', (cents, currency, text) => {
    expect(decimalOf(cents, currency)).toBe(text);
  });
});
