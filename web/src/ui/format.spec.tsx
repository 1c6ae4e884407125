import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { Money, ShortId, Time, bytes, compact, duration, money, number } from './format';

afterEach(cleanup);

describe('a duration', () => {
  it.each([
    [0, '0.0 ms'],
    [0.84, '0.8 ms'],
    [9.96, '10.0 ms'],
    [12.4, '12 ms'],
    [999.4, '999 ms'],
    [1_000, '1.0 s'],
    [3_449, '3.4 s'],
    [60_000, '1 min'],
    [3_599_999, '60 min'],
    [7_200_000, '2.0 h'],
    [172_800_000, '2 d'],
  ])('of %d ms is %s', (ms, text) => expect(duration(ms)).toBe(text));
});

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [1_250_000, '1.3 MB'],
    [5e15, '5000.0 TB'],
  ])('of %d bytes is %s', (size, text) => expect(bytes(size)).toBe(text));
});

describe('money', () => {
  it('has the decimals of its currency', () => {
    expect(money(1_999, 'USD')).toMatch(/19[.,]99/);
    expect(money(1_999, 'JPY')).toMatch(/1[.,\s]?999/);
    expect(money(1_999, 'KWD')).toMatch(/1[.,]999/);
    expect(money(-5, 'EUR')).toMatch(/0[.,]05/);
    expect(money(0, 'USD')).toMatch(/0[.,]00/);
  });

  it('stays on one line', () => {
    render(<Money cents={123} currency="USD" />);
    expect(screen.getByText(money(123, 'USD')).className).toContain('whitespace-nowrap');
  });
});

describe('a number', () => {
  it('has groups, or is short', () => {
    expect(number(1_234_567)).toBe(new Intl.NumberFormat().format(1_234_567));
    expect(compact(1_234_567)).toBe(
      new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 }).format(1_234_567),
    );
  });
});

describe('a time', () => {
  const AT = '2026-03-01T12:34:56.789Z';

  it("is in the reader's zone, with UTC on hover and for programs", () => {
    render(<Time at={AT} show="day" />);
    const element = screen.getByText(new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(new Date(AT)));
    expect(element.title).toBe('2026-03-01 12:34:56.789 UTC');
    expect(element.getAttribute('datetime')).toBe(AT);
  });

  it('is a dash when there is none', () => {
    render(<Time at={null} />);
    expect(screen.getByText('–').tagName).toBe('SPAN');
  });
});

it('an id is short, and whole on hover', () => {
  const id = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';
  render(<ShortId id={id} />);
  expect(screen.getByTitle(id).textContent).toBe('…2a9b1c55');
});
