import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The secrets that callbacks are signed with. */
export class CallbackSecrets1764400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE callback_secrets (
      id uuid PRIMARY KEY,
      secret text NOT NULL,
      private_key text NOT NULL,
      from_environment boolean NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz(3)
    )`);
    // One secret is the newest, and of the many processes that may want to add one at the same moment one does.
    await queryRunner.query(`CREATE UNIQUE INDEX callback_secrets_newest
      ON callback_secrets ((expires_at IS NULL)) WHERE expires_at IS NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE callback_secrets');
  }
}
