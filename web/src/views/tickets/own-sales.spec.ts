import { describe, expect, it } from 'vitest';
import type { components } from '../../api/schema.generated';
import { salesOf, totals } from './own-sales';

type TicketEvent = components['schemas']['Event'];

const event = (currency: string): TicketEvent => ({
  id: '019aa000-0000-7000-8000-000000000001',
  organizer: { id: '019aa000-0000-7000-8000-000000000002', name: 'Ada' },
  title: 'Jazz',
  description: '',
  date: '2099-06-01T19:00:00.000Z',
  location: 'Berlin',
  total_tickets: 100,
  tickets_sold: 5,
  price_cents: 2_500,
  currency,
  status: 'active',
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
});

describe('sales', () => {
  const bookings = [
    { status: 'confirmed' as const, num_tickets: 3, total_cents: 7_500 },
    { status: 'cancelled' as const, num_tickets: 9, total_cents: 22_500 },
    { status: 'confirmed' as const, num_tickets: 2, total_cents: 4_000 },
  ];

  it('count bookings that are not cancelled, at the price they were booked for', () => {
    expect(salesOf(event('EUR'), { rows: bookings, isAll: true })).toMatchObject({ tickets: 5, cents: 11_500 });
  });

  it('are added up for each currency', () => {
    const euros = salesOf(event('EUR'), { rows: bookings, isAll: true });
    const yen = salesOf(event('JPY'), { rows: bookings.slice(0, 1), isAll: true });
    expect(totals([euros, yen, euros])).toEqual([
      { currency: 'EUR', tickets: 10, cents: 23_000 },
      { currency: 'JPY', tickets: 3, cents: 7_500 },
    ]);
  });
});
