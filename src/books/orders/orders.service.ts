import { HttpStatus, Inject, Injectable } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { type Preconditions, checkVersion } from '../../http/preconditions.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database, type Query } from '../../platform/database/database.js';
import { pageOf } from '../../platform/database/page.js';
import { newId } from '../../platform/ids.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { withExactCents } from '../exact-json.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { CustomerTotalsStore } from '../customers/customer-totals.store.js';
import { JournalStore } from '../journal/journal.store.js';
import { cancellationEntry, PAID, paymentEntry } from './order-entries.js';
import { checkDraft, isCounted, type OrderMove, statusAfter } from './order-moves.js';
import type { OrderStatus } from './order.entity.js';
import { type CreatedOrder, type OrderFilter, OrderRepository, type OrderView } from './order.repository.js';
import type { ChangeOrderBody, CreateOrderBody } from './order.schema.js';
import { type LockedOrder, type NewItem, OrderStore } from './order.store.js';
import { OrderNotFound } from './orders.errors.js';

/** Customers of an email search whose orders are looked up one customer at a time; see {@link OrderRepository.list}. */
const FEW_CUSTOMERS = 500;

/** Conditions of a change of an order. */
export interface Conditions {
  /** On its version; null for none. */
  preconditions: Preconditions | null;
  /** Null for a caller that sent none. */
  key: IdempotencyKey | null;
}

/** The orders of an account. Every method throws OrderNotFound for an order that the account does not have. */
@Injectable()
export class OrdersService {
  constructor(
    private readonly database: Database,
    private readonly orders: OrderRepository,
    private readonly store: OrderStore,
    private readonly customers: CustomerRepository,
    private readonly totals: CustomerTotalsStore,
    private readonly journal: JournalStore,
    private readonly idempotency: IdempotencyService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'BASE_CURRENCY'>,
  ) {}

  /**
   * Creates a draft, all or nothing.
   * @param show Returns the part of the order that the caller may see, also in a repeat.
   * @throws CustomerNotFound, ExternalRefTaken
   */
  async create(
    account: AccountId,
    body: CreateOrderBody,
    key: IdempotencyKey | null,
    show: (order: OrderView) => CreatedOrder = (order) => order,
  ): Promise<CreatedOrder> {
    const order = {
      id: newId(),
      account: storedAccount(account),
      customerId: body.customer_id,
      currency: body.currency ?? this.config.BASE_CURRENCY,
      externalRef: body.external_ref ?? null,
      placedAt: body.placed_at ?? null,
      items: itemsOf(body.items),
    };
    return this.database.inTransactionOf(order.account, (query) =>
      this.idempotency.once(query, key, HttpStatus.CREATED, async () => {
        await this.store.create(query, order);
        return show(await this.viewWithin(query, order.account, order.id));
      }),
    );
  }

  async list(account: AccountId, filter: Omit<OrderFilter, 'accountId' | 'customerIds'>): Promise<object> {
    const accountId = storedAccount(account);
    const customerIds = await this.fewCustomers(accountId, filter.email);
    const { page, next_cursor } = await pageOf(
      filter.limit,
      (limit) => this.orders.list({ ...filter, accountId, customerIds, limit }),
      ({ id }) => id,
    );
    return { orders: page, next_cursor };
  }

  async view(account: AccountId, id: string): Promise<OrderView> {
    const order = isUuid(id) ? await this.orders.find(storedAccount(account), id) : null;
    if (!order) throw new OrderNotFound();
    return order;
  }

  /**
   * Changes a draft.
   * @param preconditions On the version; null for none.
   * @throws OrderMoveRefused, VersionMismatch, ExternalRefTaken
   */
  async change(
    account: AccountId,
    id: string,
    body: ChangeOrderBody,
    preconditions: Preconditions | null,
  ): Promise<OrderView> {
    return this.withLocked(account, id, { preconditions, key: null }, async (query, order) => {
      checkDraft(order.status);
      await this.store.change(query, id, {
        currency: body.currency,
        externalRef: body.external_ref,
        placedAt: body.placed_at,
        items: body.items && itemsOf(body.items),
      });
      return this.viewWithin(query, storedAccount(account), id);
    });
  }

  /**
   * Moves an order to its next status. A payment and the cancellation of a paid order post to the journal in the same
   * transaction.
   * @throws OrderMoveRefused, VersionMismatch, PeriodClosed, KeyAlreadyUsed
   */
  async move(account: AccountId, id: string, move: OrderMove, conditions: Conditions): Promise<object> {
    return this.withLocked(account, id, conditions, async (query, order) => {
      const status = statusAfter(move, order.status);
      await this[move](query, storedAccount(account), order);
      return { id, status };
    });
  }

  /**
   * Archives an order, or takes it out of the archive. An order that is there already stays as it is.
   * @throws VersionMismatch, KeyAlreadyUsed
   */
  async archive(account: AccountId, id: string, isArchived: boolean, conditions: Conditions): Promise<object> {
    return this.withLocked(account, id, conditions, async (query, order) => {
      const view = { id, is_archived: isArchived };
      if (order.isArchived === isArchived) return view;
      await this.store.archive(query, order, isArchived);
      await this.recount(query, storedAccount(account), order, { ...order, isArchived });
      return view;
    });
  }

  /** @returns The customers with the highest totals, as JSON with exact totals. */
  async summary(account: AccountId, limit: number, currency = this.config.BASE_CURRENCY): Promise<string> {
    const top = await this.totals.top(storedAccount(account), currency, limit);
    const rows = top.map(({ total_cents, ...customer }) => withExactCents(customer, 'total_cents', total_cents));
    return `${JSON.stringify({ limit, currency }).slice(0, -1)},"rows":[${rows.join(',')}]}`;
  }

  private async pay(query: Query, account: string, order: LockedOrder): Promise<void> {
    const paidAt = await this.store.pay(query, order);
    await this.recount(query, account, order, { ...order, status: 'paid' });
    await this.journal.post(query, account, [paymentEntry(order, paidAt)]);
  }

  private async ship(query: Query, _account: string, order: LockedOrder): Promise<void> {
    await this.store.ship(query, order);
  }

  private async cancel(query: Query, account: string, order: LockedOrder): Promise<void> {
    const cancelledAt = await this.store.cancel(query, order);
    if (order.status === 'draft') return;
    await this.recount(query, account, order, { ...order, status: 'cancelled' });
    // An order of 0 cents has posted nothing.
    const payment = await this.journal.findNumber(query, account, order.id, PAID);
    if (payment !== null) await this.journal.post(query, account, [cancellationEntry(order, cancelledAt, payment)]);
  }

  /** Adds the difference between an order before and after a change to its customer's totals. */
  private async recount(
    query: Query,
    account: string,
    before: LockedOrder,
    after: { status: OrderStatus; isArchived: boolean },
  ): Promise<void> {
    const change = Number(isCounted(after)) - Number(isCounted(before));
    if (change === 0) return;
    const { customerId, currency, totalCents } = before;
    await this.totals.add(query, account, [{ customerId, currency, orders: change, cents: change * totalCents }]);
  }

  private async withLocked<View extends object>(
    account: AccountId,
    id: string,
    { preconditions, key }: Conditions,
    work: (query: Query, order: LockedOrder) => Promise<View>,
  ): Promise<View> {
    if (!isUuid(id)) throw new OrderNotFound();
    const books = storedAccount(account);
    return this.database.inTransactionOf(books, (query) =>
      this.idempotency.once(query, key, HttpStatus.OK, async () => {
        const order = await this.store.lock(query, books, id);
        if (!order) throw new OrderNotFound();
        checkVersion(preconditions, order.version);
        return work(query, order);
      }),
    );
  }

  private async viewWithin(query: Query, account: string, id: string): Promise<OrderView> {
    return (await this.orders.findWithin(query, account, id))!;
  }

  /** @returns The ids of the customers that an email search matches, or undefined when they are many or there is none. */
  private async fewCustomers(accountId: string, email: string | undefined): Promise<string[] | undefined> {
    if (email === undefined) return undefined;
    const ids = await this.customers.idsByEmail(accountId, email, FEW_CUSTOMERS + 1);
    return ids.length > FEW_CUSTOMERS ? undefined : ids;
  }
}

function itemsOf(items: CreateOrderBody['items']): NewItem[] {
  return items.map(({ sku, quantity, unit_price_cents }) => ({
    id: newId(),
    sku,
    quantity,
    unitPriceCents: unit_price_cents,
  }));
}
