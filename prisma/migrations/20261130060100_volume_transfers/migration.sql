-- CreateTable
CREATE TABLE "VolumeTransfer" (
    "id" UUID NOT NULL,
    "volumeId" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "keyHash" TEXT NOT NULL,
    "noSnapshots" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeTransfer_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "VolumeTransfer_volumeId_key" ON "VolumeTransfer"("volumeId");

-- CreateIndex
CREATE INDEX "VolumeTransfer_projectId_createdAt_id_idx" ON "VolumeTransfer"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeTransfer_createdAt_id_idx" ON "VolumeTransfer"("createdAt" DESC, "id");

-- AddForeignKey
ALTER TABLE "VolumeTransfer" ADD CONSTRAINT "VolumeTransfer_volumeId_fkey" FOREIGN KEY ("volumeId") REFERENCES "Volume"("id") ON DELETE CASCADE ON UPDATE CASCADE;
