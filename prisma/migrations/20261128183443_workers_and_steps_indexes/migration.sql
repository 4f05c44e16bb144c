CREATE INDEX CONCURRENTLY IF NOT EXISTS "Operation_leaseWorker_idx" ON "Operation"("leaseWorker");
