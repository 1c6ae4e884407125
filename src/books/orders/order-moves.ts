import { DaybookError } from '../../platform/errors.js';
import type { OrderStatus } from './order.entity.js';

export type OrderMove = 'pay' | 'ship' | 'cancel';

/** The status that each move leads to, and the statuses in which it is possible. Drawn in docs/state-machines.md. */
const MOVES: Record<OrderMove, { to: OrderStatus; from: readonly OrderStatus[] }> = {
  pay: { to: 'paid', from: ['draft'] },
  ship: { to: 'shipped', from: ['paid'] },
  cancel: { to: 'cancelled', from: ['draft', 'paid'] },
};

/** The order's status does not allow the change. */
export class OrderMoveRefused extends DaybookError {
  readonly code = 'order-move-refused';
}

/** @returns The status after a move. @throws OrderMoveRefused */
export function statusAfter(move: OrderMove, status: OrderStatus): OrderStatus {
  const { to, from } = MOVES[move];
  if (from.includes(status)) return to;
  throw new OrderMoveRefused(`The order is ${status}; only an order that is ${from.join(' or ')} can become ${to}.`);
}

/** @throws OrderMoveRefused unless the fields and items of the order may change. */
export function checkDraft(status: OrderStatus): void {
  if (status !== 'draft') throw new OrderMoveRefused(`The order is ${status}; only an order that is draft can change.`);
}

/** Whether the running totals of the customer count an order. */
export function isCounted({ status, isArchived }: { status: OrderStatus; isArchived: boolean }): boolean {
  return !isArchived && (status === 'paid' || status === 'shipped');
}
