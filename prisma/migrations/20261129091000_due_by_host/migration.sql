-- Its place has "HostDocument_due_idx" (prisma/indexes.sql).
DROP INDEX CONCURRENTLY IF EXISTS "HostDocument_dueAt_idx";
