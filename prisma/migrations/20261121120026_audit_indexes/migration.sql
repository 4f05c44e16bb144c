-- CreateIndex
CREATE INDEX "Event_actorId_id_idx" ON "Event"("actorId", "id" DESC);

-- CreateIndex
CREATE INDEX "Event_at_idx" ON "Event"("at");

-- CreateIndex
CREATE INDEX "Operation_actorId_createdAt_idx" ON "Operation"("actorId", "createdAt" DESC);
