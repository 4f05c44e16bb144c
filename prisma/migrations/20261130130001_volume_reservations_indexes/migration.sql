-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_reservationId_idx" ON "Volume"("reservationId");
-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_reservedFor_idx" ON "Volume"("reservedFor");
