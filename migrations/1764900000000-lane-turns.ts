import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which lane is next is read off an index, however many wait. */
export class LaneTurns1764900000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX lanes_waiting');
    // In UTC, because an index may not depend on the time zone of a session. An index of what the order is made of, and no
    // column that is kept: so none of the statements that write its parts can forget it.
    await queryRunner.query(`CREATE INDEX lanes_waiting
      ON lanes (((served_at AT TIME ZONE 'UTC') - priority * interval '1 second')) WHERE pending > 0`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX lanes_waiting');
    await queryRunner.query('CREATE INDEX lanes_waiting ON lanes (served_at) WHERE pending > 0');
  }
}
