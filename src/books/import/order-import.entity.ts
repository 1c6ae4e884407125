import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export const IMPORT_STATUSES = ['running', 'completed', 'failed', 'interrupted'] as const;
export type ImportStatus = (typeof IMPORT_STATUSES)[number];

/** An import of orders, and its progress through the batches that are committed. */
@Entity('order_imports')
@Check('order_imports_status_check', `status IN ('running', 'completed', 'failed', 'interrupted')`)
@Check('order_imports_finished_check', `(status = 'running') = (finished_at IS NULL)`)
@Index('order_imports_by_account', ['accountId', 'id'])
@Index('order_imports_by_created_at', ['createdAt'])
export class OrderImport {
  /** UUIDv7: a newer import has a greater id. */
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('text', { default: 'running' })
  status!: ImportStatus;

  /** Lines read, without the header and blank ones. */
  @Column('bigint', { default: 0 })
  rows!: number;

  @Column('bigint', { default: 0 })
  created!: number;

  @Column('bigint', { default: 0 })
  duplicates!: number;

  @Column('bigint', { default: 0 })
  failed!: number;

  /** Renewed by the process that runs the import. A running import whose heartbeat is old is interrupted. */
  @Column('timestamp with time zone', { name: 'heartbeat_at', precision: 3, default: () => 'clock_timestamp()' })
  heartbeatAt!: Date;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'clock_timestamp()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'finished_at', precision: 3, nullable: true })
  finishedAt!: Date | null;
}

/** A row that an import refused. */
@Entity('order_import_errors')
@ForeignKey(() => OrderImport, ['importId'], ['id'], {
  name: 'order_import_errors_import_fkey',
  onDelete: 'CASCADE',
})
export class OrderImportError {
  @PrimaryColumn('uuid', { name: 'import_id' })
  importId!: string;

  @PrimaryColumn('integer')
  ordinal!: number;

  /** Line of the file; the first is 1. */
  @Column('bigint')
  row!: number;

  @Column('text', { name: 'external_ref', nullable: true })
  externalRef!: string | null;

  @Column('text')
  field!: string;

  @Column('text')
  message!: string;
}
