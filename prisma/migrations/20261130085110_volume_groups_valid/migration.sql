ALTER TABLE "Volume" VALIDATE CONSTRAINT "Volume_groupId_fkey";
ALTER TABLE "VolumeSnapshot" VALIDATE CONSTRAINT "VolumeSnapshot_groupSnapshotId_fkey";
