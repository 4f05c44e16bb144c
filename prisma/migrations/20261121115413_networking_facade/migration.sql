-- AlterTable
ALTER TABLE "FloatingIp" ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "tags" TEXT[],
ADD COLUMN     "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "Network" ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "tags" TEXT[],
ADD COLUMN     "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "Port" ADD COLUMN     "description" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "tags" TEXT[],
ADD COLUMN     "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "Router" ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "tags" TEXT[],
ADD COLUMN     "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "SecurityGroup" ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "tags" TEXT[],
ADD COLUMN     "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "SecurityGroupRule" ADD COLUMN     "remoteAny" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "Subnet" ADD COLUMN     "description" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "revision" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "tags" TEXT[],
ADD COLUMN     "updatedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- CreateTable
CREATE TABLE "RbacPolicy" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "objectId" UUID NOT NULL,
    "action" TEXT NOT NULL,
    "targetProject" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "RbacPolicy_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "RbacPolicy_targetProject_idx" ON "RbacPolicy"("targetProject");

-- CreateIndex
CREATE INDEX "RbacPolicy_projectId_idx" ON "RbacPolicy"("projectId");

-- CreateIndex
CREATE UNIQUE INDEX "RbacPolicy_objectId_action_targetProject_key" ON "RbacPolicy"("objectId", "action", "targetProject");

-- AddForeignKey
ALTER TABLE "RbacPolicy" ADD CONSTRAINT "RbacPolicy_objectId_fkey" FOREIGN KEY ("objectId") REFERENCES "Network"("id") ON DELETE CASCADE ON UPDATE CASCADE;
