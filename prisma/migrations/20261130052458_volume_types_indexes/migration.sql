-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeType_qosId_idx" ON "VolumeType"("qosId");
