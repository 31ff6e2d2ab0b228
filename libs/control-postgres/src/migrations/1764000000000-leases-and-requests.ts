import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LeasesAndRequests1764000000000 implements MigrationInterface {
  readonly name = 'LeasesAndRequests1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE changeover_control.lease (
        migration text NOT NULL,
        role text NOT NULL,
        owner uuid NOT NULL,
        acquired_at timestamptz NOT NULL,
        renewed_at timestamptz NOT NULL,
        released_at timestamptz,
        status jsonb,
        CONSTRAINT lease_pkey PRIMARY KEY (migration, role)
      )`);
    await runner.query(`
      CREATE TABLE changeover_control.request (
        migration text NOT NULL,
        ordinal bigint NOT NULL,
        id uuid NOT NULL,
        kind text NOT NULL,
        payload jsonb NOT NULL,
        submitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT request_pkey PRIMARY KEY (migration, ordinal),
        CONSTRAINT request_id UNIQUE (migration, id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE changeover_control.request');
    await runner.query('DROP TABLE changeover_control.lease');
  }
}
