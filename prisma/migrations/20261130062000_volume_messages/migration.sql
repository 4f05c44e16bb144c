-- CreateTable
CREATE TABLE "VolumeMessage" (
    "id" UUID NOT NULL,
    "projectId" TEXT NOT NULL,
    "requestId" TEXT NOT NULL DEFAULT '',
    "resource" TEXT NOT NULL,
    "resourceId" UUID NOT NULL,
    "action" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeMessage_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "VolumeMessage_projectId_createdAt_id_idx" ON "VolumeMessage"("projectId", "createdAt" DESC, "id");

-- CreateIndex
CREATE INDEX "VolumeMessage_createdAt_id_idx" ON "VolumeMessage"("createdAt" DESC, "id");
