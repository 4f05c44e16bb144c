-- CreateTable
CREATE TABLE "VolumeReservation" (
    "id" UUID NOT NULL,
    "volumeId" UUID NOT NULL,
    "instanceId" UUID,
    "readOnly" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeReservation_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "VolumeReservation_volumeId_idx" ON "VolumeReservation"("volumeId");

-- CreateIndex
CREATE INDEX "VolumeReservation_instanceId_idx" ON "VolumeReservation"("instanceId");

-- AddForeignKey
ALTER TABLE "VolumeReservation" ADD CONSTRAINT "VolumeReservation_volumeId_fkey" FOREIGN KEY ("volumeId") REFERENCES "Volume"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- The reservations that stood in the rows of volumes. The index of "reservationId" finds them.
INSERT INTO "VolumeReservation" ("id", "volumeId", "instanceId", "readOnly")
SELECT "reservationId", "id", "reservedFor", "reservedReadOnly" FROM "Volume"
WHERE "reservationId" IS NOT NULL AND "state" = 'reserved';
