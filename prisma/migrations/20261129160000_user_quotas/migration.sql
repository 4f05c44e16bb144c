-- CreateTable
CREATE TABLE "UserQuotaLimit" (
    "projectId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "resource" TEXT NOT NULL,
    "limit" INTEGER NOT NULL,

    CONSTRAINT "UserQuotaLimit_pkey" PRIMARY KEY ("projectId","userId","resource")
);

-- CreateIndex
CREATE INDEX "UserQuotaLimit_userId_idx" ON "UserQuotaLimit"("userId");
