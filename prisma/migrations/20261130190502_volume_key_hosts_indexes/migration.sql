-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeAttachment_hostId_idx" ON "VolumeAttachment"("hostId");
