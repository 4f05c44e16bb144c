-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Operation_relatedId_createdAt_idx" ON "Operation"("relatedId", "createdAt" DESC);
