-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_backupId_idx" ON "Volume"("backupId");
