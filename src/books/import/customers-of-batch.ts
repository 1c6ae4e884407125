import type { Query } from '../../platform/database/database.js';
import { newId } from '../../platform/ids.js';
import type { BatchStore, WantedCustomer } from './batch.store.js';
import type { ImportOrder } from './file/import-row.js';

/** Longest name of a customer. An email as a name is cut to it. */
const MAX_NAME = 200;

/** The customers of a batch: known ones, and new ones for unknown emails. They are locked until the transaction ends. */
export class CustomersOfBatch {
  private constructor(private readonly byKey: ReadonlyMap<string, string>) {}

  static async lock(
    query: Query,
    store: BatchStore,
    account: string,
    orders: readonly ImportOrder[],
  ): Promise<CustomersOfBatch> {
    const wanted = wantedCustomers(orders);
    const ids = new Set(orders.flatMap(({ customer_id }) => customer_id?.toLowerCase() ?? []));
    const known = await store.lockCustomers(query, account, [...wanted.keys()], [...ids]);
    for (const { email } of known) wanted.delete(email);
    await store.addCustomers(query, account, [...wanted.values()]);
    const added = await store.lockCustomers(query, account, [...wanted.keys()], []);
    return new CustomersOfBatch(
      new Map(
        [...known, ...added].flatMap(({ id, email }) => [
          [id, id],
          [email, id],
        ]),
      ),
    );
  }

  /** @returns Undefined for a customer that the account does not have. */
  idOf({ customer_id, customer_email }: ImportOrder): string | undefined {
    return this.byKey.get((customer_id ?? customer_email!).toLowerCase());
  }
}

/** The customer to add for each email in lower case. The first name of an email counts. */
function wantedCustomers(orders: readonly ImportOrder[]): Map<string, WantedCustomer> {
  const wanted = new Map<string, WantedCustomer>();
  for (const { customer_email: email, customer_name: name } of orders) {
    if (email === undefined) continue;
    const key = email.toLowerCase();
    const known = wanted.get(key);
    if (!known) wanted.set(key, { id: newId(), email, name: name ?? email.slice(0, MAX_NAME) });
    else if (name !== undefined && known.name === known.email.slice(0, MAX_NAME)) known.name = name;
  }
  return wanted;
}
