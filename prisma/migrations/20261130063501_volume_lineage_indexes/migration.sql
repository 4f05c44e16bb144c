-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_lineageId_idx" ON "Volume"("lineageId");
