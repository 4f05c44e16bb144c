-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "snapshotId" UUID,
ADD COLUMN     "sourceVolumeId" UUID;

-- CreateTable
CREATE TABLE "VolumeSnapshot" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "volumeId" UUID NOT NULL,
    "poolId" UUID NOT NULL,
    "sizeGib" INTEGER NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'creating',
    "quiesced" BOOLEAN,
    "bootable" BOOLEAN NOT NULL DEFAULT false,
    "imageId" UUID,
    "imageName" TEXT NOT NULL DEFAULT '',
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "faultMessage" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeSnapshot_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "VolumeSnapshot_projectId_createdAt_id_idx" ON "VolumeSnapshot"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeSnapshot_createdAt_id_idx" ON "VolumeSnapshot"("createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeSnapshot_volumeId_idx" ON "VolumeSnapshot"("volumeId");

-- CreateIndex
CREATE INDEX "VolumeSnapshot_poolId_idx" ON "VolumeSnapshot"("poolId");

-- AddForeignKey
ALTER TABLE "VolumeSnapshot" ADD CONSTRAINT "VolumeSnapshot_poolId_fkey" FOREIGN KEY ("poolId") REFERENCES "VolumePool"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "VolumeSnapshot" ADD CONSTRAINT "VolumeSnapshot_volumeId_fkey" FOREIGN KEY ("volumeId") REFERENCES "Volume"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
