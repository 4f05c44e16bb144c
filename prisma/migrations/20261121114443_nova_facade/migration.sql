-- AlterTable
ALTER TABLE "Flavor" ADD COLUMN     "rxtxFactor" DOUBLE PRECISION NOT NULL DEFAULT 1;

-- AlterTable
ALTER TABLE "Host" ADD COLUMN     "number" SERIAL NOT NULL;

-- AlterTable
ALTER TABLE "Instance" ADD COLUMN     "accessIpv4" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "accessIpv6" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "adminPass" TEXT,
ADD COLUMN     "configDrive" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "lentPortIds" UUID[] DEFAULT ARRAY[]::UUID[],
ADD COLUMN     "lockedByAdmin" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "lockedReason" TEXT,
ADD COLUMN     "reservationId" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "serverGroupId" UUID,
ADD COLUMN     "tags" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "FlavorAccess" (
    "flavorId" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,

    CONSTRAINT "FlavorAccess_pkey" PRIMARY KEY ("flavorId","projectId")
);

-- CreateTable
CREATE TABLE "PastInstance" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "hostname" TEXT NOT NULL,
    "hostId" UUID,
    "zone" TEXT,
    "imageId" UUID,
    "imageName" TEXT NOT NULL DEFAULT '',
    "flavorId" TEXT NOT NULL,
    "flavorName" TEXT NOT NULL,
    "vcpus" INTEGER NOT NULL,
    "memoryMib" INTEGER NOT NULL,
    "diskGib" INTEGER NOT NULL,
    "flavorSpecs" JSONB NOT NULL DEFAULT '{}',
    "keyName" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "reservationId" TEXT NOT NULL DEFAULT '',
    "launchIndex" INTEGER NOT NULL DEFAULT 0,
    "launchedAt" TIMESTAMPTZ(6),
    "createdAt" TIMESTAMPTZ(6) NOT NULL,
    "terminatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "PastInstance_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ServerGroup" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "policy" TEXT NOT NULL,
    "maxPerHost" INTEGER,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ServerGroup_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "FlavorAccess_projectId_idx" ON "FlavorAccess"("projectId");

-- CreateIndex
CREATE INDEX "PastInstance_projectId_terminatedAt_idx" ON "PastInstance"("projectId", "terminatedAt");

-- CreateIndex
CREATE INDEX "PastInstance_terminatedAt_idx" ON "PastInstance"("terminatedAt");

-- CreateIndex
CREATE INDEX "ServerGroup_projectId_createdAt_id_idx" ON "ServerGroup"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE UNIQUE INDEX "Host_number_key" ON "Host"("number");

-- CreateIndex
CREATE INDEX "Instance_serverGroupId_idx" ON "Instance"("serverGroupId");

-- CreateIndex
CREATE INDEX "Instance_tags_idx" ON "Instance" USING GIN ("tags");

-- AddForeignKey
ALTER TABLE "FlavorAccess" ADD CONSTRAINT "FlavorAccess_flavorId_fkey" FOREIGN KEY ("flavorId") REFERENCES "Flavor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Instance" ADD CONSTRAINT "Instance_serverGroupId_fkey" FOREIGN KEY ("serverGroupId") REFERENCES "ServerGroup"("id") ON DELETE SET NULL ON UPDATE CASCADE;
