-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "isWhole" BOOLEAN NOT NULL DEFAULT false;
