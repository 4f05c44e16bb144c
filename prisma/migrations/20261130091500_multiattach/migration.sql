-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "multiattach" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "VolumeAttachment" ADD COLUMN     "shared" BOOLEAN NOT NULL DEFAULT false;
