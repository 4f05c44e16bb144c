-- Searches for a part of a name (ILIKE), by pg_trgm. tools/migrate.ts builds each after a deploy, beside
-- running requests, where the extension may be had.

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Instance_name_search" ON "Instance" USING gin ("name" gin_trgm_ops);
