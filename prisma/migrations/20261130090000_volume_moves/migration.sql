-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "migrationStatus" TEXT,
ADD COLUMN     "movingToId" UUID;
