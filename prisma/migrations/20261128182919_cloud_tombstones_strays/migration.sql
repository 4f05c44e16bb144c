-- CreateTable
CREATE TABLE "Stray" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "hostId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "thing" TEXT NOT NULL,
    "facts" JSONB NOT NULL DEFAULT '{}',
    "firstSeenAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastSeenAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "decision" TEXT,
    "decidedBy" TEXT,
    "decidedAt" TIMESTAMPTZ(6),

    CONSTRAINT "Stray_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Brake" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "hostId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "ids" TEXT[],
    "total" INTEGER NOT NULL,
    "pulledAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "releasedAt" TIMESTAMPTZ(6),
    "releasedBy" TEXT,

    CONSTRAINT "Brake_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Cloud" (
    "one" BOOLEAN NOT NULL DEFAULT true,
    "id" UUID NOT NULL,
    "epoch" INTEGER NOT NULL,
    "epochToken" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Cloud_pkey" PRIMARY KEY ("one")
);

-- CreateTable
CREATE TABLE "Tombstone" (
    "kind" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "hostId" TEXT NOT NULL DEFAULT '',
    "deletedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Tombstone_pkey" PRIMARY KEY ("kind","id","hostId")
);

-- CreateIndex
CREATE INDEX "Stray_firstSeenAt_id_idx" ON "Stray"("firstSeenAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Stray_hostId_kind_thing_key" ON "Stray"("hostId", "kind", "thing");

-- CreateIndex
CREATE UNIQUE INDEX "Brake_hostId_kind_key" ON "Brake"("hostId", "kind");

-- CreateIndex
CREATE INDEX "Tombstone_hostId_kind_idx" ON "Tombstone"("hostId", "kind");

-- CreateIndex
CREATE INDEX "Tombstone_deletedAt_idx" ON "Tombstone"("deletedAt");
