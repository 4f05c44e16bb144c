-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "isOriginUnknown" BOOLEAN NOT NULL DEFAULT false;
