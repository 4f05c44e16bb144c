-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "protected" BOOLEAN NOT NULL DEFAULT false;
