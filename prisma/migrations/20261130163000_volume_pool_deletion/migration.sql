-- AlterTable
ALTER TABLE "VolumePool" ADD COLUMN     "deletingAt" TIMESTAMPTZ(6);
