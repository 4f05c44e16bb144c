-- CreateTable
CREATE TABLE "Document" (
    "kind" TEXT NOT NULL,
    "thing" UUID NOT NULL,
    "generation" BIGINT NOT NULL DEFAULT 1,
    "changedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Document_pkey" PRIMARY KEY ("kind","thing")
);

-- CreateTable
CREATE TABLE "HostDocument" (
    "hostId" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "thing" UUID NOT NULL,
    "wanted" BOOLEAN NOT NULL DEFAULT true,
    "confirmed" BIGINT NOT NULL DEFAULT 0,
    "error" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "dueAt" TIMESTAMPTZ(6) DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "HostDocument_pkey" PRIMARY KEY ("hostId","kind","thing")
);

-- CreateIndex
CREATE INDEX "Document_changedAt_idx" ON "Document"("changedAt");

-- CreateIndex
CREATE INDEX "HostDocument_dueAt_idx" ON "HostDocument"("dueAt");

-- CreateIndex
CREATE INDEX "HostDocument_kind_thing_idx" ON "HostDocument"("kind", "thing");

-- AddForeignKey
ALTER TABLE "HostDocument" ADD CONSTRAINT "HostDocument_hostId_fkey" FOREIGN KEY ("hostId") REFERENCES "Host"("id") ON DELETE CASCADE ON UPDATE CASCADE;
