-- AlterTable
ALTER TABLE "VolumeBackup" ADD COLUMN     "storeMark" TEXT;

-- CreateTable
CREATE TABLE "VolumeBackupReach" (
    "hostId" UUID NOT NULL,
    "mark" TEXT NOT NULL,

    CONSTRAINT "VolumeBackupReach_pkey" PRIMARY KEY ("hostId")
);

-- CreateIndex
CREATE INDEX "VolumeBackupReach_mark_idx" ON "VolumeBackupReach"("mark");
