import { describe, expect, it } from '@jest/globals';
import { ORDER_STATUSES, type OrderStatus } from './order.entity.js';
import { checkDraft, isCounted, type OrderMove, OrderMoveRefused, statusAfter } from './order-moves.js';

const ALLOWED: Record<OrderMove, Partial<Record<OrderStatus, OrderStatus>>> = {
  pay: { draft: 'paid' },
  ship: { paid: 'shipped' },
  cancel: { draft: 'cancelled', paid: 'cancelled' },
};

describe('the moves of an order', () => {
  for (const [move, allowed] of Object.entries(ALLOWED) as [OrderMove, (typeof ALLOWED)[OrderMove]][]) {
    it.each(ORDER_STATUSES)(`${move} from %s`, (status) => {
      const to = allowed[status];
      if (to) expect(statusAfter(move, status)).toBe(to);
      else expect(() => statusAfter(move, status)).toThrow(OrderMoveRefused);
    });
  }

  it('say what the order is and what it would have to be', () => {
    expect(() => statusAfter('cancel', 'shipped')).toThrow(
      'The order is shipped; only an order that is draft or paid can become cancelled.',
    );
  });

  it.each(ORDER_STATUSES)('let fields change in a draft only: %s', (status) => {
    if (status === 'draft') expect(() => checkDraft(status)).not.toThrow();
    else expect(() => checkDraft(status)).toThrow(OrderMoveRefused);
  });

  it('count in the totals when paid or shipped, and not archived', () => {
    const counted = ORDER_STATUSES.filter((status) => isCounted({ status, isArchived: false }));
    expect(counted).toEqual(['paid', 'shipped']);
    expect(ORDER_STATUSES.some((status) => isCounted({ status, isArchived: true }))).toBe(false);
  });
});
