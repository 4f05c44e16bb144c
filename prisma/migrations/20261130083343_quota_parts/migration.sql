-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "QuotaLimit_resource_idx" ON "QuotaLimit"("resource");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "QuotaUsage_resource_idx" ON "QuotaUsage"("resource");
