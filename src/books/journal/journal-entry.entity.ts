import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/**
 * A posted entry. The database refuses to change or delete it, and numbers it without gaps in the order of commits (see the
 * triggers in the migration).
 */
@Entity('journal_entries')
@Check('journal_entries_number_check', 'number > 0')
@Check('journal_entries_reverses_check', 'reverses < number')
@Check('journal_entries_source_check', '(source_type IS NULL) = (source_id IS NULL)')
@ForeignKey(() => JournalEntry, ['accountId', 'reverses'], ['accountId', 'number'], {
  name: 'journal_entries_reverses_fkey',
})
@Index('journal_entries_reversal', ['accountId', 'reverses'], { unique: true, where: 'reverses IS NOT NULL' })
@Index('journal_entries_source', ['sourceId', 'kind'], { unique: true, where: 'source_id IS NOT NULL' })
@Index('journal_entries_by_effective_at', ['accountId', 'effectiveAt', 'number'])
export class JournalEntry {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @PrimaryColumn('bigint')
  number!: number;

  /** The time at which the entry counts. */
  @Column('timestamp with time zone', { name: 'effective_at', precision: 3 })
  effectiveAt!: Date;

  /** The time at which the entry was written; never before that of the previous number. */
  @Column('timestamp with time zone', { name: 'recorded_at', precision: 3 })
  recordedAt!: Date;

  @Column('text')
  kind!: string;

  /** The kind of record that posted the entry, such as `order`; null for adjustments. */
  @Column('text', { name: 'source_type', nullable: true })
  sourceType!: string | null;

  @Column('uuid', { name: 'source_id', nullable: true })
  sourceId!: string | null;

  @Column('text', { nullable: true })
  memo!: string | null;

  /** The number of the entry that this one reverses. */
  @Column('bigint', { nullable: true })
  reverses!: number | null;
}
