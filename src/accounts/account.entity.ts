import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/** A tenant: the owner of requests, files, lanes and API keys. Never deleted. */
@Entity('accounts')
@Unique('accounts_name_key', ['name'])
export class Account {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;
}
