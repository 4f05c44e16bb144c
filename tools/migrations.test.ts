import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { faultsOf } from './migrate/rules.ts'
import { statementsOf, withoutIndexes } from './migrate/script.ts'

const dir = path.resolve(import.meta.dirname, '../prisma/migrations')
/** Later migrations were written under the rules (CONTRIBUTING.md, "Migrations"). */
const baseline = '20261121124123_networking_tags'
const names = fs
  .readdirSync(dir, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name > baseline)
  .map((entry) => entry.name)

describe('migrations', () => {
  test('some migrations are later than the baseline', () => expect(names.length).toBeGreaterThan(0))

  test.each(names)('%s locks no big table for long and removes nothing that is in use', (name) => {
    expect(faultsOf(fs.readFileSync(path.join(dir, name, 'migration.sql'), 'utf8'))).toEqual([])
  })

  test.each([
    'CREATE INDEX "a" ON "Big"("x");',
    'CREATE UNIQUE INDEX "a" ON "Big"("x");',
    'DROP INDEX "a";',
    'ALTER TABLE "Big" ADD COLUMN "x" TEXT NOT NULL;',
    'ALTER TABLE "Big" ADD COLUMN "x" TEXT,\nADD COLUMN "y" TEXT NOT NULL;',
    'ALTER TABLE "Big" ADD COLUMN "x" UUID NOT NULL DEFAULT gen_random_uuid();',
    'ALTER TABLE "Big" ADD COLUMN "x" BIGINT DEFAULT ((pg_current_xact_id())::text)::bigint;',
    'ALTER TABLE "Big" DROP COLUMN "x";',
    'ALTER TABLE "Big" RENAME COLUMN "x" TO "y";',
    'ALTER TABLE "Big" ALTER COLUMN "x" SET DATA TYPE BIGINT;',
    'ALTER TABLE "Big" ALTER COLUMN "x" SET NOT NULL;',
    'ALTER TABLE "Big" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "Other"("id");',
    'DROP TABLE "Big";',
    'UPDATE "Big" SET "x" = 1;',
    'CREATE INDEX CONCURRENTLY "a" ON "Big"("x");',
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS "a" ON "Big"("x");\nALTER TABLE "Big" ADD COLUMN "x" TEXT;',
  ])('refuses %s', (sql) => expect(faultsOf(sql)).not.toEqual([]))

  test.each([
    'CREATE TABLE "New" ("id" TEXT);\nCREATE INDEX "a" ON "New"("id");\nALTER TABLE "New" ADD CONSTRAINT "f" FOREIGN KEY ("id") REFERENCES "Big"("id");',
    'ALTER TABLE "Big" ADD COLUMN "x" TEXT;',
    'ALTER TABLE "Big" ADD COLUMN "x" BOOLEAN NOT NULL DEFAULT false,\nADD COLUMN "y" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;',
    'ALTER TABLE "Big" ALTER COLUMN "x" DROP NOT NULL;',
    'ALTER TABLE "Big" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "Other"("id") NOT VALID;',
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS "a" ON "Big"("x");\nDROP INDEX CONCURRENTLY IF EXISTS "b";',
    '-- contract: nothing reads it since the version before\nALTER TABLE "Big" DROP COLUMN "x";',
    '-- small: a few hosts\nCREATE INDEX "a" ON "Host"("x");',
  ])('allows %s', (sql) => expect(faultsOf(sql)).toEqual([]))

  test('a new migration builds the indexes of existing tables in a file of its own', () => {
    const { changes, indexes } = withoutIndexes(
      '-- DropIndex\nDROP INDEX "old";\n\n-- CreateTable\nCREATE TABLE "New" (\n  "id" TEXT\n);\n\n-- CreateIndex\nCREATE INDEX "n" ON "New"("id");\n\n-- CreateIndex\nCREATE UNIQUE INDEX "b" ON "Big"("x");',
    )
    expect(statementsOf(changes).map(({ text }) => text.split('\n')[0])).toEqual([
      'CREATE TABLE "New" (',
      'CREATE INDEX "n" ON "New"("id");',
    ])
    expect(statementsOf(indexes).map(({ text }) => text)).toEqual([
      'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "b" ON "Big"("x");',
      'DROP INDEX CONCURRENTLY IF EXISTS "old";',
    ])
    expect([...faultsOf(changes), ...faultsOf(indexes)]).toEqual([])
  })
})
