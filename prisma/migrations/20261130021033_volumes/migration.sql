-- CreateTable
CREATE TABLE "VolumePool" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "driver" TEXT NOT NULL,
    "hostId" UUID,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumePool_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "VolumeType" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "public" BOOLEAN NOT NULL DEFAULT true,
    "isDefault" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeType_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Volume" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "sizeGib" INTEGER NOT NULL,
    "reservedGib" INTEGER NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'creating',
    "bootable" BOOLEAN NOT NULL DEFAULT false,
    "readOnly" BOOLEAN NOT NULL DEFAULT false,
    "zone" TEXT NOT NULL,
    "typeId" UUID NOT NULL,
    "poolId" UUID NOT NULL,
    "imageId" UUID,
    "imageName" TEXT NOT NULL DEFAULT '',
    "source" JSONB NOT NULL DEFAULT '{}',
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "faultMessage" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Volume_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "VolumeAttachment" (
    "id" UUID NOT NULL,
    "volumeId" UUID NOT NULL,
    "instanceId" UUID NOT NULL,
    "hostId" UUID,
    "device" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'attaching',
    "deleteOnTermination" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attachedAt" TIMESTAMPTZ(6),

    CONSTRAINT "VolumeAttachment_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "VolumePool_name_key" ON "VolumePool"("name");

-- CreateIndex
CREATE UNIQUE INDEX "VolumePool_hostId_key" ON "VolumePool"("hostId");

-- CreateIndex
CREATE UNIQUE INDEX "VolumeType_name_key" ON "VolumeType"("name");

-- CreateIndex
CREATE INDEX "Volume_projectId_createdAt_id_idx" ON "Volume"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "Volume_createdAt_id_idx" ON "Volume"("createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "Volume_poolId_idx" ON "Volume"("poolId");

-- CreateIndex
CREATE INDEX "Volume_typeId_idx" ON "Volume"("typeId");

-- CreateIndex
CREATE UNIQUE INDEX "VolumeAttachment_volumeId_key" ON "VolumeAttachment"("volumeId");

-- CreateIndex
CREATE UNIQUE INDEX "VolumeAttachment_instanceId_device_key" ON "VolumeAttachment"("instanceId", "device");

-- AddForeignKey
ALTER TABLE "Volume" ADD CONSTRAINT "Volume_poolId_fkey" FOREIGN KEY ("poolId") REFERENCES "VolumePool"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Volume" ADD CONSTRAINT "Volume_typeId_fkey" FOREIGN KEY ("typeId") REFERENCES "VolumeType"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "VolumeAttachment" ADD CONSTRAINT "VolumeAttachment_volumeId_fkey" FOREIGN KEY ("volumeId") REFERENCES "Volume"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
