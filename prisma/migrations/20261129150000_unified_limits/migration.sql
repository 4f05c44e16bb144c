-- CreateTable
CREATE TABLE "RegisteredLimit" (
    "id" TEXT NOT NULL,
    "serviceId" TEXT NOT NULL,
    "regionId" TEXT,
    "resourceName" TEXT NOT NULL,
    "defaultLimit" INTEGER NOT NULL,
    "description" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "RegisteredLimit_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Limit" (
    "id" TEXT NOT NULL,
    "registeredLimitId" TEXT NOT NULL,
    "projectId" TEXT,
    "domainId" TEXT,
    "ownerDomainId" TEXT NOT NULL,
    "resourceLimit" INTEGER NOT NULL,
    "description" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Limit_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "RegisteredLimit_serviceId_idx" ON "RegisteredLimit"("serviceId");

-- CreateIndex
CREATE INDEX "RegisteredLimit_regionId_idx" ON "RegisteredLimit"("regionId");

-- CreateIndex
CREATE INDEX "Limit_projectId_idx" ON "Limit"("projectId");

-- CreateIndex
CREATE INDEX "Limit_domainId_idx" ON "Limit"("domainId");

-- CreateIndex
CREATE INDEX "Limit_ownerDomainId_idx" ON "Limit"("ownerDomainId");

-- CreateIndex
CREATE UNIQUE INDEX "Limit_registeredLimitId_projectId_key" ON "Limit"("registeredLimitId", "projectId");

-- CreateIndex
CREATE UNIQUE INDEX "Limit_registeredLimitId_domainId_key" ON "Limit"("registeredLimitId", "domainId");

-- AddForeignKey
ALTER TABLE "Limit" ADD CONSTRAINT "Limit_registeredLimitId_fkey" FOREIGN KEY ("registeredLimitId") REFERENCES "RegisteredLimit"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Limit" ADD CONSTRAINT "Limit_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Limit" ADD CONSTRAINT "Limit_ownerDomainId_fkey" FOREIGN KEY ("ownerDomainId") REFERENCES "Domain"("id") ON DELETE CASCADE ON UPDATE CASCADE;
