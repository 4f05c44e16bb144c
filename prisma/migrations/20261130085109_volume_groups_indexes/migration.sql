-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_groupId_idx" ON "Volume"("groupId");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeSnapshot_groupSnapshotId_idx" ON "VolumeSnapshot"("groupSnapshotId");
