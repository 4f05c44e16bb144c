-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_keyId_idx" ON "Volume"("keyId");
-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeBackup_keyId_idx" ON "VolumeBackup"("keyId");
