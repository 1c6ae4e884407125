import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The blocks of an account's entries that are folded into the totals. */
@Entity('journal_folds')
export class JournalFold {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('bigint', { default: 0 })
  blocks!: number;
}

/** A total of folded entries, by ledger account and currency. */
abstract class FoldedTotal {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('text', { name: 'ledger_account' })
  ledgerAccount!: string;

  @PrimaryColumn('text')
  currency!: string;

  /** Decimal digits, because a sum of amounts can exceed the integers of JavaScript. */
  @Column('numeric', { name: 'amount_cents' })
  amountCents!: string;
}

/** A total of all folded blocks. */
@Entity('journal_totals')
export class JournalTotal extends FoldedTotal {}

/** A total of one folded block. */
@Entity('journal_block_totals')
export class JournalBlockTotal extends FoldedTotal {
  /** Block 0 has the first entries. */
  @PrimaryColumn('bigint')
  block!: number;
}

/** A total of the folded entries that are effective on one day. */
@Entity('journal_day_totals')
export class JournalDayTotal extends FoldedTotal {
  /** In UTC, as YYYY-MM-DD. */
  @PrimaryColumn('date')
  day!: string;
}

/** A total of the folded entries that are effective in one hour. */
@Entity('journal_hour_totals')
export class JournalHourTotal extends FoldedTotal {
  /** The time at which the hour begins. */
  @PrimaryColumn('timestamp with time zone', { precision: 3 })
  hour!: Date;
}
