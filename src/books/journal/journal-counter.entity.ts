import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The number and time of an account's newest entry. The last row that a posting locks. */
@Entity('journal_counters')
export class JournalCounter {
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('bigint', { name: 'last_number', default: 0 })
  lastNumber!: number;

  @Column('timestamp with time zone', { name: 'last_recorded_at', precision: 3, default: () => 'clock_timestamp()' })
  lastRecordedAt!: Date;
}
