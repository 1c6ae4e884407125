import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** The secret that signs access tokens, generated when it is first needed. `TOKEN_SECRET` takes precedence. */
@Entity('token_secrets')
@Check('token_secrets_id_check', 'id = 1')
export class TokenSecret {
  @PrimaryColumn('integer')
  id!: number;

  /** 256 random bits, base64url. */
  @Column('text')
  secret!: string;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'clock_timestamp()' })
  createdAt!: Date;
}
