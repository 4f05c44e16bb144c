-- small: a cloud has a few pools, and the version before finds the pool of a host's own disk by its host all the same
DROP INDEX "VolumePool_hostId_key";
-- AlterTable
ALTER TABLE "VolumePool" ADD COLUMN     "capacityGib" INTEGER,
ADD COLUMN     "config" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "description" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "enabled" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "overcommit" DOUBLE PRECISION NOT NULL DEFAULT 1,
ADD COLUMN     "secrets" TEXT,
ADD COLUMN     "shared" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "usedGib" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "zone" TEXT;
-- small: a cloud has a few pools
CREATE INDEX "VolumePool_hostId_idx" ON "VolumePool"("hostId");
