-- CreateTable
CREATE TABLE "HostBeat" (
    "hostId" UUID NOT NULL,
    "lastSeenAt" TIMESTAMPTZ(6),
    "missed" INTEGER NOT NULL DEFAULT 0,
    "facts" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "HostBeat_pkey" PRIMARY KEY ("hostId")
);

-- AddForeignKey
ALTER TABLE "HostBeat" ADD CONSTRAINT "HostBeat_hostId_fkey" FOREIGN KEY ("hostId") REFERENCES "Host"("id") ON DELETE CASCADE ON UPDATE CASCADE;

INSERT INTO "HostBeat" ("hostId", "lastSeenAt", "facts") SELECT "id", "lastSeenAt", "facts" FROM "Host";
