import { describe, expect, it } from '@jest/globals';
import { inMajorUnits, minorUnits } from './currency-decimals.js';

describe('minorUnits', () => {
  it.each([
    ['USD', 2],
    ['EUR', 2],
    ['JPY', 0],
    ['ISK', 0],
    ['KWD', 3],
    ['TND', 3],
    ['CLF', 4],
    ['UYW', 4],
    ['constructor', 2],
  ])('of %s is %d', (currency, decimals) => {
    expect(minorUnits(currency)).toBe(decimals);
  });
});

describe('inMajorUnits', () => {
  it.each([
    ['0', 2, '0.00'],
    ['5', 2, '0.05'],
    ['-5', 2, '-0.05'],
    ['123456', 2, '1234.56'],
    ['-100', 2, '-1.00'],
    ['1234', 0, '1234'],
    ['-1', 3, '-0.001'],
    ['1234', 3, '1.234'],
    ['1', 4, '0.0001'],
    ['92233720368547758080123', 2, '922337203685477580801.23'],
  ])('writes %s with %d decimals as %s', (minor, decimals, major) => {
    expect(inMajorUnits(minor, decimals)).toBe(major);
  });
});
