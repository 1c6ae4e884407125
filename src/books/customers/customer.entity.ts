import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** A customer of an account. */
@Entity('customers')
@Unique('customers_account_key', ['accountId', 'id'])
@Index('customers_email', { synchronize: false })
@Index('customers_email_search', { synchronize: false })
export class Customer {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'account_id' })
  accountId!: string;

  @Column('text')
  name!: string;

  /** Unique in an account, regardless of case. */
  @Column('text')
  email!: string;

  @Column('boolean', { name: 'is_active', default: true })
  isActive!: boolean;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;
}
