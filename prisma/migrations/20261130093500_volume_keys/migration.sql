-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "keyId" UUID;
-- AlterTable
ALTER TABLE "VolumeBackup" ADD COLUMN     "keyId" UUID;
-- AlterTable
ALTER TABLE "VolumeType" ADD COLUMN     "encryption" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "encryptionId" UUID;
-- CreateTable
CREATE TABLE "VolumeKey" (
    "id" UUID NOT NULL,
    "sealed" TEXT NOT NULL,
    "keyBits" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "VolumeKey_pkey" PRIMARY KEY ("id")
);
