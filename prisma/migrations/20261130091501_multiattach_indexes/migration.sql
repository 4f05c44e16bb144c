-- CreateIndex
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "VolumeAttachment_volumeId_instanceId_key" ON "VolumeAttachment"("volumeId", "instanceId");

-- The one owner of a volume that is not for several. It stands before the wider index goes.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "VolumeAttachment_owner_key" ON "VolumeAttachment" ("volumeId") WHERE NOT "shared";

-- DropIndex
DROP INDEX CONCURRENTLY IF EXISTS "VolumeAttachment_volumeId_key";
