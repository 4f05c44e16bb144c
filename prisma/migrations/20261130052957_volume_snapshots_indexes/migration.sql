-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_snapshotId_idx" ON "Volume"("snapshotId");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_sourceVolumeId_idx" ON "Volume"("sourceVolumeId");
