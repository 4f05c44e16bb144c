-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "wantedTypeId" UUID;
