CREATE INDEX CONCURRENTLY IF NOT EXISTS "Token_accessTokenId_idx" ON "Token"("accessTokenId");
