-- AlterTable
ALTER TABLE "HostDocument" ADD COLUMN "waitsFor" TEXT;
