import { expect } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { get, post, type Reply, send } from '../support/client.js';
import type { Daybook } from '../support/daybook.js';

export const UNKNOWN_ID = uuidv7();
export const ITEMS = [
  { sku: 'A-1', quantity: 2, unit_price_cents: 12_50 },
  { sku: 'B-2', quantity: 1, unit_price_cents: 5_00 },
];
export const GIFT = { items: [{ sku: 'gift', quantity: 1, unit_price_cents: 0 }] };

/** Returns functions that call the orders of the service that `daybook` returns, which starts after the file loads. */
export function ordersClient(daybook: () => Daybook) {
  async function addCustomer(more: object = {}): Promise<{ id: string; email: string }> {
    const reply = await post(daybook(), '/api/customers', { name: 'Acme', email: `${uuidv7()}@acme.example`, ...more });
    expect(reply.status).toBe(201);
    return reply.json;
  }

  /** Adds a draft of {@link ITEMS}. */
  async function addOrder(customerId: string, more: object = {}): Promise<Reply['json']> {
    const reply = await post(daybook(), '/api/orders', { customer_id: customerId, items: ITEMS, ...more });
    expect({ status: reply.status, text: reply.text }).toMatchObject({ status: 201 });
    return reply.json;
  }

  const move = (id: string, name: string, headers?: Record<string, string>): Promise<Reply> =>
    post(daybook(), `/api/orders/${id}/${name}`, undefined, headers);
  const change = (id: string, body: object, headers?: Record<string, string>): Promise<Reply> =>
    send(daybook(), 'PATCH', `/api/orders/${id}`, { body, headers });
  const orderOf = async (id: string): Promise<Reply['json']> => (await get(daybook(), `/api/orders/${id}`)).json;
  return { addCustomer, addOrder, move, change, orderOf };
}
