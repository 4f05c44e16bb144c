-- AlterTable
ALTER TABLE "Token" ADD COLUMN     "accessTokenId" TEXT;

-- CreateTable
CREATE TABLE "OAuthConsumer" (
    "id" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "OAuthConsumer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "OAuthRequestToken" (
    "id" TEXT NOT NULL,
    "consumerId" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "userId" TEXT,
    "roleIds" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "verifier" TEXT,
    "expiresAt" TIMESTAMPTZ(6) NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "OAuthRequestToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "OAuthAccessToken" (
    "id" TEXT NOT NULL,
    "consumerId" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "roleIds" TEXT[],
    "expiresAt" TIMESTAMPTZ(6) NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "OAuthAccessToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "OAuthNonce" (
    "hash" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "OAuthNonce_pkey" PRIMARY KEY ("hash")
);

-- CreateIndex
CREATE INDEX "OAuthRequestToken_consumerId_idx" ON "OAuthRequestToken"("consumerId");

-- CreateIndex
CREATE INDEX "OAuthRequestToken_projectId_idx" ON "OAuthRequestToken"("projectId");

-- CreateIndex
CREATE INDEX "OAuthRequestToken_userId_idx" ON "OAuthRequestToken"("userId");

-- CreateIndex
CREATE INDEX "OAuthRequestToken_expiresAt_idx" ON "OAuthRequestToken"("expiresAt");

-- CreateIndex
CREATE INDEX "OAuthAccessToken_consumerId_idx" ON "OAuthAccessToken"("consumerId");

-- CreateIndex
CREATE INDEX "OAuthAccessToken_projectId_idx" ON "OAuthAccessToken"("projectId");

-- CreateIndex
CREATE INDEX "OAuthAccessToken_userId_idx" ON "OAuthAccessToken"("userId");

-- CreateIndex
CREATE INDEX "OAuthAccessToken_expiresAt_idx" ON "OAuthAccessToken"("expiresAt");

-- CreateIndex
CREATE INDEX "OAuthNonce_expiresAt_idx" ON "OAuthNonce"("expiresAt");

-- AddForeignKey
ALTER TABLE "OAuthRequestToken" ADD CONSTRAINT "OAuthRequestToken_consumerId_fkey" FOREIGN KEY ("consumerId") REFERENCES "OAuthConsumer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OAuthRequestToken" ADD CONSTRAINT "OAuthRequestToken_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OAuthRequestToken" ADD CONSTRAINT "OAuthRequestToken_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OAuthAccessToken" ADD CONSTRAINT "OAuthAccessToken_consumerId_fkey" FOREIGN KEY ("consumerId") REFERENCES "OAuthConsumer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OAuthAccessToken" ADD CONSTRAINT "OAuthAccessToken_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OAuthAccessToken" ADD CONSTRAINT "OAuthAccessToken_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Token" ADD CONSTRAINT "Token_accessTokenId_fkey" FOREIGN KEY ("accessTokenId") REFERENCES "OAuthAccessToken"("id") ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;
