import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/** The bytes of an account's report files, without the changes that are not folded in yet. */
@Entity('account_storage')
export class AccountStorage {
  /** The nil UUID for requests that were accepted with `AUTH=open`. */
  @PrimaryColumn('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('bigint')
  bytes!: number;
}

/** A change of an account's bytes, written by the statement that stores or deletes files. */
@Entity('account_storage_changes')
export class AccountStorageChange {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('bigint')
  bytes!: number;
}
