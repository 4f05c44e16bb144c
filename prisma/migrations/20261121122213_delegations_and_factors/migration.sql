-- AlterTable
ALTER TABLE "ApplicationCredential" ADD COLUMN     "parentId" TEXT;

-- AlterTable
ALTER TABLE "Trust" ADD COLUMN     "applicationCredentialId" TEXT;

-- AlterTable
ALTER TABLE "User" ADD COLUMN     "codesWaitUntil" TIMESTAMPTZ(6),
ADD COLUMN     "disabledByBackend" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "failedCodes" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "ApplicationCredential_parentId_idx" ON "ApplicationCredential"("parentId");

-- CreateIndex
CREATE INDEX "Trust_applicationCredentialId_idx" ON "Trust"("applicationCredentialId");

-- AddForeignKey
ALTER TABLE "ApplicationCredential" ADD CONSTRAINT "ApplicationCredential_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "ApplicationCredential"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Trust" ADD CONSTRAINT "Trust_applicationCredentialId_fkey" FOREIGN KEY ("applicationCredentialId") REFERENCES "ApplicationCredential"("id") ON DELETE CASCADE ON UPDATE CASCADE;
