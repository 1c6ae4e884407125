import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { JournalEntry } from './journal-entry.entity.js';

/** One line of an entry. The lines of an entry sum to 0 in each currency. */
@Entity('journal_lines')
@Check('journal_lines_amount_check', 'amount_cents <> 0')
@Check('journal_lines_currency_check', `currency ~ '^[A-Z]{3}$'`)
@Check(
  'journal_lines_ledger_account_check',
  `ledger_account ~ '^(assets|liabilities|equity|income|expenses)(:[a-z0-9-]+){1,4}$'`,
)
@ForeignKey(() => JournalEntry, ['accountId', 'number'], ['accountId', 'number'], { name: 'journal_lines_entry_fkey' })
@Index('journal_lines_by_ledger_account', ['accountId', 'ledgerAccount', 'number'])
@Index('journal_lines_by_customer', ['accountId', 'customerId', 'number'], { where: 'customer_id IS NOT NULL' })
export class JournalLine {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  /** The number of the entry. */
  @PrimaryColumn('bigint')
  number!: number;

  /** Its place in the entry, from 1. */
  @PrimaryColumn('integer')
  line!: number;

  @Column('text', { name: 'ledger_account' })
  ledgerAccount!: string;

  @Column('text')
  currency!: string;

  /** Positive for a debit, negative for a credit. */
  @Column('bigint', { name: 'amount_cents' })
  amountCents!: number;

  @Column('uuid', { name: 'customer_id', nullable: true })
  customerId!: string | null;
}
