import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The blocks of an account's entries that are folded into the totals. */
@Entity('journal_folds')
export class JournalFold {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('bigint', { default: 0 })
  blocks!: number;
}

/** A total over all folded blocks. */
@Entity('journal_totals')
export class JournalTotal {
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

/** A total of one folded block. */
@Entity('journal_block_totals')
export class JournalBlockTotal {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  /** Block 0 has the first entries. */
  @PrimaryColumn('bigint')
  block!: number;

  @PrimaryColumn('text', { name: 'ledger_account' })
  ledgerAccount!: string;

  @PrimaryColumn('text')
  currency!: string;

  @Column('numeric', { name: 'amount_cents' })
  amountCents!: string;
}

/** A total of the folded entries that are effective on one day. */
@Entity('journal_day_totals')
export class JournalDayTotal {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  /** In UTC, as YYYY-MM-DD. */
  @PrimaryColumn('date')
  day!: string;

  @PrimaryColumn('text', { name: 'ledger_account' })
  ledgerAccount!: string;

  @PrimaryColumn('text')
  currency!: string;

  @Column('numeric', { name: 'amount_cents' })
  amountCents!: string;
}

/** A total of the folded entries that are effective in one hour. */
@Entity('journal_hour_totals')
export class JournalHourTotal {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  /** Its beginning, in UTC. */
  @PrimaryColumn('timestamp with time zone', { precision: 3 })
  hour!: Date;

  @PrimaryColumn('text', { name: 'ledger_account' })
  ledgerAccount!: string;

  @PrimaryColumn('text')
  currency!: string;

  @Column('numeric', { name: 'amount_cents' })
  amountCents!: string;
}
