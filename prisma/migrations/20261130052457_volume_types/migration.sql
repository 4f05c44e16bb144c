-- AlterTable
ALTER TABLE "VolumeType" ADD COLUMN     "extraSpecs" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "qosId" UUID;

-- CreateTable
CREATE TABLE "VolumeTypeAccess" (
    "typeId" UUID NOT NULL,
    "projectId" TEXT NOT NULL,

    CONSTRAINT "VolumeTypeAccess_pkey" PRIMARY KEY ("typeId","projectId")
);

-- CreateTable
CREATE TABLE "VolumeTypeDefault" (
    "projectId" TEXT NOT NULL,
    "typeId" UUID NOT NULL,

    CONSTRAINT "VolumeTypeDefault_pkey" PRIMARY KEY ("projectId")
);

-- CreateTable
CREATE TABLE "VolumeQos" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "consumer" TEXT NOT NULL DEFAULT 'back-end',
    "specs" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeQos_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "VolumeTypeAccess_projectId_idx" ON "VolumeTypeAccess"("projectId");

-- CreateIndex
CREATE INDEX "VolumeTypeDefault_typeId_idx" ON "VolumeTypeDefault"("typeId");

-- CreateIndex
CREATE UNIQUE INDEX "VolumeQos_name_key" ON "VolumeQos"("name");

-- AddForeignKey
-- small: a cloud has a few volume types
ALTER TABLE "VolumeType" ADD CONSTRAINT "VolumeType_qosId_fkey" FOREIGN KEY ("qosId") REFERENCES "VolumeQos"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "VolumeTypeAccess" ADD CONSTRAINT "VolumeTypeAccess_typeId_fkey" FOREIGN KEY ("typeId") REFERENCES "VolumeType"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "VolumeTypeDefault" ADD CONSTRAINT "VolumeTypeDefault_typeId_fkey" FOREIGN KEY ("typeId") REFERENCES "VolumeType"("id") ON DELETE CASCADE ON UPDATE CASCADE;
