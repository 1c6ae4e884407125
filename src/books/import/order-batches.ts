import type { ImportedOrder } from './file/import-row.js';

/** Orders of a batch. */
const MAX_ORDERS = 1_000;
/** Items of a batch, which bounds its memory. */
const MAX_ITEMS = 10_000;

/** Groups orders into batches. */
export class OrderBatches {
  private orders: ImportedOrder[] = [];
  private items = 0;

  /** @returns The batches that are full. */
  *add(orders: readonly ImportedOrder[]): Generator<ImportedOrder[]> {
    for (const order of orders) {
      this.orders.push(order);
      this.items += order.order?.items.length ?? 0;
      if (this.orders.length >= MAX_ORDERS || this.items >= MAX_ITEMS) yield this.rest();
    }
  }

  /** @returns The orders that no batch has. */
  rest(): ImportedOrder[] {
    const { orders } = this;
    this.orders = [];
    this.items = 0;
    return orders;
  }
}
