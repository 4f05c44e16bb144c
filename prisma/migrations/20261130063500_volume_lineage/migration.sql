-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "lineageId" UUID;
