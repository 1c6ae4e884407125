import { HttpStatus, Injectable } from '@nestjs/common';
import type { IdempotencyKey } from '../../http/idempotency-key.js';
import { InvalidInput } from '../../http/validation.js';
import { Database, type Query } from '../../platform/database/database.js';
import { pageOf } from '../../platform/database/page.js';
import { type AccountId, storedAccount } from '../../platform/tenant.js';
import { IdempotencyService } from '../../requests/idempotency/idempotency.service.js';
import { BalancesService } from './balances/balances.service.js';
import { EntriesRepository, type EntryFilter, type EntryPlace, isByTime } from './entries.repository.js';
import type { AdjustmentBody, EntriesQuery, EntryView, ReversalBody, ReversalView } from './entries.schema.js';
import { type NewEntry, type NewLine, type Posted, reversed } from './journal-entry.js';
import type { JournalEntry } from './journal-entry.entity.js';
import type { JournalLine } from './journal-line.entity.js';
import { EntryNotFound, EntryNotReversible } from './journal.errors.js';
import { JournalStore } from './journal.store.js';
import { LineCustomersStore } from './line-customers.store.js';

/** The journal over the API: entries, adjustments and reversals. */
@Injectable()
export class JournalService {
  constructor(
    private readonly database: Database,
    private readonly journal: JournalStore,
    private readonly entries: EntriesRepository,
    private readonly customers: LineCustomersStore,
    private readonly balances: BalancesService,
    private readonly idempotency: IdempotencyService,
  ) {}

  /** @returns One page, newest first, and the cursor of the next (null on the last). */
  async list(account: AccountId, { limit, cursor, ...given }: EntriesQuery): Promise<object> {
    const filter: EntryFilter = {
      account: storedAccount(account),
      from: given.from,
      to: given.to,
      ledgerAccount: given.ledger_account,
      throughEntry: given.through_entry,
    };
    const after = placeOf(cursor, isByTime(filter));
    const read = (count: number) => this.entries.list(filter, after, count);
    const { page, next_cursor } = await pageOf(limit, read, (entry) => cursorOf(entry, isByTime(filter)));
    const numbers = page.map(({ number }) => number);
    const byNumber = new Map(numbers.map((number) => [number, [] as JournalLine[]]));
    for (const line of await this.entries.linesOf(filter.account, numbers)) byNumber.get(line.number)!.push(line);
    return { entries: page.map((entry) => entryView(entry, byNumber.get(entry.number)!)), next_cursor };
  }

  /**
   * Posts an adjustment.
   * @throws PeriodClosed, TooManyBalances, KeyAlreadyUsed, InvalidInput for a customer of no or another account
   */
  adjust(account: AccountId, body: AdjustmentBody, key: IdempotencyKey | null): Promise<EntryView> {
    const books = storedAccount(account);
    const lines = body.lines.map(newLine).filter(({ amountCents }) => amountCents !== 0);
    const entry = { effectiveAt: body.effective_at, kind: 'adjustment', memo: body.memo, lines };
    return this.once(books, key, async (query) => {
      await this.checkCustomers(query, books, body);
      await this.balances.checkLimit(query, books, lines);
      return this.post(query, books, entry);
    });
  }

  /**
   * Posts the reversal of an adjustment.
   * @param show Returns the part of the entry that the caller may see, also in a repeat.
   * @throws EntryNotFound, EntryNotReversible, PeriodClosed, KeyAlreadyUsed
   */
  async reverse(
    account: AccountId,
    number: string,
    body: ReversalBody,
    key: IdempotencyKey | null,
    show: (entry: EntryView) => ReversalView,
  ): Promise<ReversalView> {
    const books = storedAccount(account);
    // Read before the transaction, which would otherwise need a second connection. Entries do not change.
    const original = await this.reversible(books, number);
    const lines = reversed(await this.entries.linesOf(books, [original.number]));
    const entry = {
      effectiveAt: body.effective_at ?? null,
      kind: 'reversal',
      memo: body.memo,
      reverses: original.number,
      lines,
    };
    return this.once(books, key, async (query) => show(await this.post(query, books, entry)));
  }

  /** @throws InvalidInput for a line whose customer is unknown in the account */
  private async checkCustomers(query: Query, books: string, { lines }: AdjustmentBody): Promise<void> {
    const named = lines.flatMap(({ customer_id }, index) => (customer_id ? [{ id: customer_id, index }] : []));
    if (named.length === 0) return;
    const known = await this.customers.lock(query, books, [...new Set(named.map(({ id }) => id))]);
    const unknown = named.filter(({ id }) => !known.has(id.toLowerCase()));
    const issues = unknown.map(({ index }) => ({
      path: `lines.${index}.customer_id`,
      message: 'is not a known customer',
    }));
    if (issues.length > 0) throw new InvalidInput('body', issues);
  }

  /** @throws EntryNotFound, EntryNotReversible */
  private async reversible(books: string, number: string): Promise<JournalEntry> {
    const entry = /^[1-9]\d{0,14}$/.test(number) ? await this.entries.find(books, Number(number)) : null;
    if (!entry) throw new EntryNotFound();
    const { sourceType, sourceId, reverses } = entry;
    if (sourceType !== null) {
      throw new EntryNotReversible(`The entry belongs to the ${sourceType} ${sourceId}. Cancel the ${sourceType}.`);
    }
    if (reverses !== null) {
      throw new EntryNotReversible(
        `The entry is itself the reversal of entry ${reverses}. Post an adjustment instead.`,
      );
    }
    return entry;
  }

  private async post(query: Query, books: string, entry: NewEntry): Promise<EntryView> {
    const [posted] = await this.journal.post(query, books, [entry]);
    return entryView({ ...entryFields(entry, posted!), ...posted! }, entry.lines);
  }

  private once<View extends object>(
    books: string,
    key: IdempotencyKey | null,
    work: (query: Query) => Promise<View>,
  ): Promise<View> {
    return this.database.inTransactionOf(books, (query) =>
      this.idempotency.once(query, key, HttpStatus.CREATED, () => work(query)),
    );
  }
}

function newLine(line: AdjustmentBody['lines'][number]): NewLine {
  return {
    ledgerAccount: line.ledger_account,
    currency: line.currency,
    amountCents: line.amount_cents,
    customerId: line.customer_id ?? null,
  };
}

type EntryFields = Omit<JournalEntry, 'accountId' | keyof Posted>;

function entryFields({ effectiveAt, kind, source, memo, reverses }: NewEntry, { recordedAt }: Posted): EntryFields {
  const { type: sourceType = null, id: sourceId = null } = source ?? {};
  return {
    effectiveAt: effectiveAt ?? recordedAt,
    kind,
    sourceType,
    sourceId,
    memo: memo ?? null,
    reverses: reverses ?? null,
  };
}

function entryView(entry: EntryFields & Posted, lines: readonly (NewLine | JournalLine)[]): EntryView {
  return {
    number: entry.number,
    effective_at: entry.effectiveAt.toISOString(),
    recorded_at: entry.recordedAt.toISOString(),
    kind: entry.kind,
    source_type: entry.sourceType,
    source_id: entry.sourceId,
    memo: entry.memo,
    reverses: entry.reverses,
    lines: lines.map(({ ledgerAccount, currency, amountCents, customerId }) => ({
      ledger_account: ledgerAccount,
      currency,
      amount_cents: amountCents,
      ...(customerId && { customer_id: customerId }),
    })),
  };
}

/** `number`, or `number@time` in a list by time. */
function cursorOf({ number, effectiveAt }: JournalEntry, isTimed: boolean): string {
  return isTimed ? `${number}@${effectiveAt.getTime()}` : String(number);
}

/** @throws InvalidInput for the cursor of a list in the other order */
function placeOf(cursor: string | undefined, isTimed: boolean): EntryPlace | undefined {
  if (cursor === undefined) return undefined;
  const [number, time] = cursor.split('@').map(Number);
  const effectiveAt = time === undefined ? undefined : new Date(time);
  if ((effectiveAt !== undefined) !== isTimed || Number.isNaN(effectiveAt?.getTime())) {
    throw new InvalidInput('query', [
      { path: 'cursor', message: 'must be the next_cursor of a page with these filters' },
    ]);
  }
  return { number: number!, effectiveAt };
}
