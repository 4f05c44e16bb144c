-- AlterTable
ALTER TABLE "Operation" ADD COLUMN     "relatedId" TEXT;
