import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database, type Query } from '../../platform/database/database.js';
import { isDataError } from '../../platform/database/outages.js';
import { CustomerTotalsStore } from '../customers/customer-totals.store.js';
import { PeriodClosed } from '../journal/journal.errors.js';
import { JournalStore } from '../journal/journal.store.js';
import { cancellationEntry, paymentEntry } from '../orders/order-entries.js';
import { isCounted } from '../orders/order-moves.js';
import { type BatchOrder, BatchStore } from './batch.store.js';
import { CustomersOfBatch } from './customers-of-batch.js';
import { type ImportOrder, type ImportedOrder, type RowError, refusedOrder, rowError } from './file/import-row.js';
import { ImportInterrupted } from './imports.errors.js';
import { type Counts, ImportsStore } from './imports.store.js';
import { batchOrder, closableMonths } from './new-order.js';

/** Errors of an import that are kept. All failed orders are counted. */
export const MAX_ERRORS = 10_000;
/** Tries of a batch while periods are being closed. */
const MAX_TRIES = 5;

/** The import that a batch is a part of. */
export interface RunningImport {
  id: string;
  account: string;
  /** Errors that are stored. */
  errors: number;
  counts: Counts;
}

type Valid = ImportedOrder & { order: ImportOrder };
const isValid = (imported: ImportedOrder): imported is Valid => imported.order !== null;

/** Imports batches of orders, each in one transaction with its customers, totals, journal entries, errors and counts. */
@Injectable()
export class BatchesService {
  constructor(
    private readonly database: Database,
    private readonly store: BatchStore,
    private readonly imports: ImportsStore,
    private readonly totals: CustomerTotalsStore,
    private readonly journal: JournalStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'BASE_CURRENCY'>,
  ) {}

  /**
   * Imports a batch and adds to the counts of its import. An order that the database refuses does not stop the others: the
   * batch is halved until that order is alone.
   * @throws ImportInterrupted if the import does not run any more; nothing of the batch is imported.
   */
  async write(running: RunningImport, batch: readonly ImportedOrder[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.writeOnce(running, batch);
    } catch (error) {
      if (!isDataError(error)) throw error;
      const [first] = batch;
      if (batch.length === 1 && first!.order === null) throw error;
      const middle = Math.ceil(batch.length / 2);
      const parts = batch.length === 1 ? [[unstorable(first!)]] : [batch.slice(0, middle), batch.slice(middle)];
      for (const part of parts) await this.write(running, part);
    }
  }

  private async writeOnce(running: RunningImport, batch: readonly ImportedOrder[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const { counts, errors } = await this.database.inTransaction((query) => this.within(query, running, batch));
        running.errors += errors;
        for (const name of Object.keys(counts) as (keyof Counts)[]) running.counts[name] += counts[name];
        return;
      } catch (error) {
        // A period was closed after this batch had looked. The next try reports its orders.
        if (!(error instanceof PeriodClosed) || tries === MAX_TRIES) throw error;
      }
    }
  }

  private async within(
    query: Query,
    running: RunningImport,
    batch: readonly ImportedOrder[],
  ): Promise<{ counts: Counts; errors: number }> {
    const { id, account } = running;
    const errors = batch.flatMap((imported) => imported.errors);
    const wanted = await this.unknown(query, account, batch.filter(isValid));
    const duplicates = batch.filter(isValid).length - wanted.length;
    const now = await this.store.now(query);
    const open = await this.inOpenPeriods(query, account, wanted, now, errors);
    const customers = await CustomersOfBatch.lock(
      query,
      this.store,
      account,
      open.map(({ order }) => order),
    );
    const orders = open.flatMap(({ row, order }) => {
      const customerId = customers.idOf(order);
      if (customerId !== undefined) return [batchOrder(order, customerId, this.config.BASE_CURRENCY, now)];
      errors.push(rowError(row, order.external_ref, 'customer_id', 'Customer not found'));
      return [];
    });
    const added = await this.store.addOrders(query, account, orders);
    const counts = {
      rows: batch.reduce((sum, { rows }) => sum + rows, 0),
      created: added.size,
      duplicates: duplicates + orders.length - added.size,
      failed: batch.length - duplicates - orders.length,
    };
    const kept = errors.sort((a, b) => a.row - b.row).slice(0, MAX_ERRORS - running.errors);
    await this.imports.addErrors(query, id, kept, running.errors);
    await this.totals.add(query, account, totalsOf(orders, added));
    if (!(await this.imports.advance(query, id, counts))) throw new ImportInterrupted('stopped');
    await this.post(query, account, orders, added);
    return { counts, errors: kept.length };
  }

  /** @returns The orders whose reference neither the account nor an earlier order of the batch has. */
  private async unknown(query: Query, account: string, orders: Valid[]): Promise<Valid[]> {
    const refs = orders.map(({ order }) => order.external_ref);
    const known = refs.length === 0 ? new Set() : await this.store.knownRefs(query, account, refs);
    return orders.filter(({ order }) => !known.has(order.external_ref) && known.add(order.external_ref));
  }

  /** @returns The orders that post into open periods only. The others are added to `errors`. */
  private async inOpenPeriods(
    query: Query,
    account: string,
    orders: Valid[],
    now: Date,
    errors: RowError[],
  ): Promise<Valid[]> {
    const months = [...new Set(orders.flatMap(({ order }) => [...closableMonths(order, now).keys()]))];
    const closed = await this.store.closedMonths(query, account, months);
    if (closed.size === 0) return orders;
    return orders.filter(({ row, order }) => {
      const refused = [...closableMonths(order, now)].find(([month]) => closed.has(month));
      if (!refused) return true;
      const [month, field] = refused;
      errors.push(rowError(row, order.external_ref, field, `The period ${month} is closed`));
      return false;
    });
  }

  /** Posts the payments of added orders, then the reversals of those that were cancelled. */
  private async post(query: Query, account: string, orders: BatchOrder[], added: Map<string, number>): Promise<void> {
    const paid = orders.flatMap((order) => {
      const totalCents = added.get(order.id);
      return totalCents !== undefined && order.paidAt ? [{ ...order, totalCents, paidAt: order.paidAt }] : [];
    });
    const posted = await this.journal.post(
      query,
      account,
      paid.map((order) => paymentEntry(order, order.paidAt)),
    );
    const reversals = paid.flatMap((order, index) => {
      const payment = posted[index];
      return order.cancelledAt && payment ? [cancellationEntry(order, order.cancelledAt, payment.number)] : [];
    });
    await this.journal.post(query, account, reversals);
  }
}

function totalsOf(orders: BatchOrder[], added: Map<string, number>) {
  return orders.flatMap(({ id, customerId, currency, status }) => {
    const cents = added.get(id);
    return cents !== undefined && isCounted({ status, isArchived: false })
      ? [{ customerId, currency, orders: 1, cents }]
      : [];
  });
}

function unstorable({ row, rows, order }: ImportedOrder): ImportedOrder {
  const message = 'The database refuses the order, such as for a total of the customer that is too large';
  return refusedOrder(row, rows, [rowError(row, order?.external_ref, '', message)]);
}
