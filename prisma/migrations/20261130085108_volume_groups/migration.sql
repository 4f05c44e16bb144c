-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "groupId" UUID;

-- AlterTable
ALTER TABLE "VolumeSnapshot" ADD COLUMN     "groupSnapshotId" UUID;

-- CreateTable
CREATE TABLE "VolumeGroupType" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "public" BOOLEAN NOT NULL DEFAULT true,
    "isDefault" BOOLEAN NOT NULL DEFAULT false,
    "specs" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeGroupType_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "VolumeGroup" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "state" TEXT NOT NULL DEFAULT 'available',
    "typeId" UUID NOT NULL,
    "zone" TEXT NOT NULL,
    "groupSnapshotId" UUID,
    "sourceGroupId" UUID,
    "faultMessage" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeGroup_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "VolumeGroupVolumeType" (
    "groupId" UUID NOT NULL,
    "volumeTypeId" UUID NOT NULL,

    CONSTRAINT "VolumeGroupVolumeType_pkey" PRIMARY KEY ("groupId","volumeTypeId")
);

-- CreateTable
CREATE TABLE "VolumeGroupSnapshot" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "groupId" UUID NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'creating',
    "isOneInstant" BOOLEAN,
    "faultMessage" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeGroupSnapshot_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "VolumeGroupType_name_key" ON "VolumeGroupType"("name");

-- CreateIndex
CREATE INDEX "VolumeGroup_projectId_createdAt_id_idx" ON "VolumeGroup"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeGroup_createdAt_id_idx" ON "VolumeGroup"("createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeGroup_typeId_idx" ON "VolumeGroup"("typeId");

-- CreateIndex
CREATE INDEX "VolumeGroupVolumeType_volumeTypeId_idx" ON "VolumeGroupVolumeType"("volumeTypeId");

-- CreateIndex
CREATE INDEX "VolumeGroupSnapshot_projectId_createdAt_id_idx" ON "VolumeGroupSnapshot"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeGroupSnapshot_createdAt_id_idx" ON "VolumeGroupSnapshot"("createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeGroupSnapshot_groupId_idx" ON "VolumeGroupSnapshot"("groupId");

-- AddForeignKey
ALTER TABLE "Volume" ADD CONSTRAINT "Volume_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "VolumeGroup"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;

-- AddForeignKey
ALTER TABLE "VolumeSnapshot" ADD CONSTRAINT "VolumeSnapshot_groupSnapshotId_fkey" FOREIGN KEY ("groupSnapshotId") REFERENCES "VolumeGroupSnapshot"("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;

-- AddForeignKey
ALTER TABLE "VolumeGroup" ADD CONSTRAINT "VolumeGroup_typeId_fkey" FOREIGN KEY ("typeId") REFERENCES "VolumeGroupType"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "VolumeGroupVolumeType" ADD CONSTRAINT "VolumeGroupVolumeType_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "VolumeGroup"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "VolumeGroupVolumeType" ADD CONSTRAINT "VolumeGroupVolumeType_volumeTypeId_fkey" FOREIGN KEY ("volumeTypeId") REFERENCES "VolumeType"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "VolumeGroupSnapshot" ADD CONSTRAINT "VolumeGroupSnapshot_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "VolumeGroup"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
