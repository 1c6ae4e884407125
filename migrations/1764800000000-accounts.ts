import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts, their API keys, and whose each request is. What `AUTH=open` accepts is nobody's and costs no index. */
export class Accounts1764800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE accounts (
      id uuid PRIMARY KEY,
      name text NOT NULL CONSTRAINT accounts_name_key UNIQUE,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`);
    await queryRunner.query(`CREATE TABLE api_keys (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL CONSTRAINT api_keys_account_id_fkey REFERENCES accounts,
      name text NOT NULL,
      secret_hash text NOT NULL,
      scopes text[] NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      expires_at timestamptz(3),
      last_used_at timestamptz(3),
      revoked_at timestamptz(3),
      replaced_by uuid
    )`);
    await queryRunner.query('CREATE INDEX api_keys_by_account ON api_keys (account_id, id)');
    // No foreign key: accounts are never deleted, and accepting a request should not have to look one up.
    await queryRunner.query('ALTER TABLE requests ADD account_id uuid');
    await queryRunner.query(
      'CREATE INDEX requests_by_account ON requests (account_id, id) WHERE account_id IS NOT NULL',
    );
    for (const filter of ['report', 'mode']) {
      await queryRunner.query(
        `CREATE INDEX requests_by_account_${filter} ON requests (account_id, ${filter}, id) WHERE account_id IS NOT NULL`,
      );
    }
    await queryRunner.query(`CREATE INDEX requests_by_account_status ON requests (account_id, status, id)
      WHERE account_id IS NOT NULL AND status <> 'COMPLETED'`);
    // A lane of an account is called `<account id>/<lane>`.
    await queryRunner.query(`CREATE INDEX lanes_by_account ON lanes (split_part(name, '/', 1), name)
      WHERE strpos(name, '/') > 0`);
    await queryRunner.query(`CREATE INDEX callback_deliveries_by_account ON callback_deliveries (split_part(lane, '/', 1), id)
      WHERE strpos(lane, '/') > 0`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX callback_deliveries_by_account');
    await queryRunner.query('DROP INDEX lanes_by_account');
    await queryRunner.query('ALTER TABLE requests DROP account_id');
    await queryRunner.query('DROP TABLE api_keys');
    await queryRunner.query('DROP TABLE accounts');
  }
}
