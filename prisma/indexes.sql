-- Indexes that a schema file cannot say, because they hold a part of the rows. tools/migrate.ts builds
-- each after a deploy, beside running requests.

-- What is under way: a handful of rows in a history of years.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Operation_unfinished_idx" ON "Operation" ("createdAt")
  WHERE "state" IN ('queued', 'running', 'undoing');

-- Trusts that were taken back, by which kernel/retention.ts finds the old ones.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Trust_deleted_idx" ON "Trust" ("deletedAt")
  WHERE "deletedAt" IS NOT NULL;
