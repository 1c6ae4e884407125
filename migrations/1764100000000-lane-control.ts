import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lanes can be paused, and given precedence over each other. */
export class LaneControl1764100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE lanes
      ADD COLUMN paused boolean NOT NULL DEFAULT false,
      ADD COLUMN priority integer NOT NULL DEFAULT 0,
      ALTER COLUMN served_at SET DEFAULT now()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE lanes
      DROP COLUMN paused, DROP COLUMN priority, ALTER COLUMN served_at SET DEFAULT '-infinity'`);
  }
}
