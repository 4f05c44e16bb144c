-- AlterTable
ALTER TABLE "VolumePool" ADD COLUMN     "disabledReason" TEXT,
ADD COLUMN     "frozen" BOOLEAN NOT NULL DEFAULT false;
