-- AlterTable
ALTER TABLE "Instance" ADD COLUMN     "rootOnVolume" BOOLEAN NOT NULL DEFAULT false;
