-- AlterTable
ALTER TABLE "Image" ADD COLUMN     "containerFormat" TEXT DEFAULT 'bare',
ADD COLUMN     "hidden" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "sha512" TEXT,
ADD COLUMN     "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
ALTER COLUMN "diskFormat" DROP NOT NULL;

-- CreateTable
CREATE TABLE "ImageMember" (
    "imageId" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'pending',
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ImageMember_pkey" PRIMARY KEY ("imageId","projectId")
);

-- CreateIndex
CREATE INDEX "ImageMember_projectId_status_idx" ON "ImageMember"("projectId", "status");

-- AddForeignKey
ALTER TABLE "ImageMember" ADD CONSTRAINT "ImageMember_imageId_fkey" FOREIGN KEY ("imageId") REFERENCES "Image"("id") ON DELETE CASCADE ON UPDATE CASCADE;
