-- AlterTable
ALTER TABLE "Volume" ADD COLUMN     "imageMetadata" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "reservationId" UUID,
ADD COLUMN     "reservedFor" UUID,
ADD COLUMN     "reservedReadOnly" BOOLEAN NOT NULL DEFAULT false;
