-- AlterTable
ALTER TABLE "VolumeAttachment" ADD COLUMN     "forgottenAt" TIMESTAMPTZ(6);
