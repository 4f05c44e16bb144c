-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "trashedUntil" TIMESTAMPTZ(6);
