import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Requests of which processes die are found out and fail in the end. */
export class DeadlyRequests1764700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE requests ADD COLUMN died_making text[]');
    await queryRunner.query('ALTER TABLE lanes ADD COLUMN careful_until bigint NOT NULL DEFAULT 0');
    // Nearly always empty: it costs the others nothing.
    await queryRunner.query(`CREATE INDEX requests_suspected ON requests (id)
      WHERE died_making IS NOT NULL AND status IN ('PENDING', 'PROCESSING')`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX requests_suspected');
    await queryRunner.query('ALTER TABLE lanes DROP COLUMN careful_until');
    await queryRunner.query('ALTER TABLE requests DROP COLUMN died_making');
  }
}
