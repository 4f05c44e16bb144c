-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Event_epoch_xid_id_idx" ON "Event"("epoch", "xid", "id");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Operation_finishedAt_idx" ON "Operation"("finishedAt");

-- DropIndex
DROP INDEX CONCURRENTLY IF EXISTS "Event_xid_id_idx";
