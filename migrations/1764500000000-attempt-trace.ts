import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An attempt is on record with all that was sent, seen and timed; one that was only begun can be on record too. */
export class AttemptTrace1764500000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE callback_logs
      ADD COLUMN request_headers json,
      ADD COLUMN body_bytes integer,
      ADD COLUMN body_sha256 text,
      ADD COLUMN response_headers json,
      ADD COLUMN response_body text,
      ADD COLUMN dns_ms real,
      ADD COLUMN connect_ms real,
      ADD COLUMN tls_ms real,
      ADD COLUMN first_byte_ms real,
      ALTER COLUMN success DROP NOT NULL,
      ALTER COLUMN response_time_ms DROP NOT NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    // How they ended is not known, and the older schema cannot say so.
    await queryRunner.query('DELETE FROM callback_logs WHERE success IS NULL OR response_time_ms IS NULL');
    await queryRunner.query(`ALTER TABLE callback_logs
      DROP COLUMN request_headers, DROP COLUMN body_bytes, DROP COLUMN body_sha256, DROP COLUMN response_headers,
      DROP COLUMN response_body, DROP COLUMN dns_ms, DROP COLUMN connect_ms, DROP COLUMN tls_ms,
      DROP COLUMN first_byte_ms,
      ALTER COLUMN success SET NOT NULL,
      ALTER COLUMN response_time_ms SET NOT NULL`);
  }
}
