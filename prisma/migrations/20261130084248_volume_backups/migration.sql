-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "backupId" UUID;

-- AlterTable
ALTER TABLE "VolumeSnapshot" ADD COLUMN     "trashedUntil" TIMESTAMPTZ(6);

-- CreateTable
CREATE TABLE "VolumeBackup" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "volumeId" UUID NOT NULL,
    "volumeName" TEXT NOT NULL DEFAULT '',
    "snapshotId" UUID,
    "parentId" UUID,
    "sizeGib" INTEGER NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'creating',
    "faultMessage" TEXT,
    "hostId" UUID NOT NULL,
    "store" TEXT NOT NULL,
    "zone" TEXT NOT NULL,
    "container" TEXT,
    "checksum" TEXT,
    "storedBytes" BIGINT,
    "chunks" INTEGER,
    "quiesced" BOOLEAN,
    "dataTimestamp" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "bootable" BOOLEAN NOT NULL DEFAULT false,
    "imageId" UUID,
    "imageName" TEXT NOT NULL DEFAULT '',
    "typeId" UUID,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "holdsSource" BOOLEAN NOT NULL DEFAULT false,
    "scheduleId" UUID,
    "trashedUntil" TIMESTAMPTZ(6),
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeBackup_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "VolumeBackupSchedule" (
    "id" UUID NOT NULL,
    "volumeId" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "userName" TEXT NOT NULL,
    "every" TEXT NOT NULL,
    "hours" INTEGER NOT NULL DEFAULT 1,
    "minute" INTEGER NOT NULL DEFAULT 0,
    "weekday" INTEGER NOT NULL DEFAULT 0,
    "timeZone" TEXT NOT NULL DEFAULT 'UTC',
    "keep" INTEGER NOT NULL DEFAULT 7,
    "nextAt" TIMESTAMPTZ(6) NOT NULL,
    "lastAt" TIMESTAMPTZ(6),
    "lastBackupId" UUID,
    "lastFailure" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeBackupSchedule_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "VolumeBackup_projectId_createdAt_id_idx" ON "VolumeBackup"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeBackup_createdAt_id_idx" ON "VolumeBackup"("createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeBackup_volumeId_idx" ON "VolumeBackup"("volumeId");

-- CreateIndex
CREATE INDEX "VolumeBackup_parentId_idx" ON "VolumeBackup"("parentId");

-- CreateIndex
CREATE INDEX "VolumeBackup_scheduleId_idx" ON "VolumeBackup"("scheduleId");

-- CreateIndex
CREATE INDEX "VolumeBackup_hostId_idx" ON "VolumeBackup"("hostId");

-- CreateIndex
CREATE UNIQUE INDEX "VolumeBackupSchedule_volumeId_key" ON "VolumeBackupSchedule"("volumeId");

-- CreateIndex
CREATE INDEX "VolumeBackupSchedule_projectId_idx" ON "VolumeBackupSchedule"("projectId");

-- CreateIndex
CREATE INDEX "VolumeBackupSchedule_nextAt_idx" ON "VolumeBackupSchedule"("nextAt");

-- AddForeignKey
ALTER TABLE "VolumeBackupSchedule" ADD CONSTRAINT "VolumeBackupSchedule_volumeId_fkey" FOREIGN KEY ("volumeId") REFERENCES "Volume"("id") ON DELETE CASCADE ON UPDATE CASCADE;
