-- CreateTable
CREATE TABLE "DomainConfig" (
    "domainId" TEXT NOT NULL,
    "options" JSONB NOT NULL,

    CONSTRAINT "DomainConfig_pkey" PRIMARY KEY ("domainId")
);

-- AddForeignKey
ALTER TABLE "DomainConfig" ADD CONSTRAINT "DomainConfig_domainId_fkey" FOREIGN KEY ("domainId") REFERENCES "Domain"("id") ON DELETE CASCADE ON UPDATE CASCADE;
