-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "FloatingIp_createdAt_id_idx" ON "FloatingIp"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "FloatingIp_routerId_idx" ON "FloatingIp"("routerId");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Group_createdAt_id_idx" ON "Group"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Image_createdAt_id_idx" ON "Image"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Network_createdAt_id_idx" ON "Network"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Port_createdAt_id_idx" ON "Port"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Port_hostId_idx" ON "Port"("hostId");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Project_createdAt_id_idx" ON "Project"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Router_createdAt_id_idx" ON "Router"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "SecurityGroup_createdAt_id_idx" ON "SecurityGroup"("createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "SecurityGroupRule_projectId_idx" ON "SecurityGroupRule"("projectId");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Trust_chain_idx" ON "Trust" USING GIN ("chain");

-- CreateIndex
CREATE INDEX CONCURRENTLY IF NOT EXISTS "User_createdAt_id_idx" ON "User"("createdAt" DESC, "id" DESC);
