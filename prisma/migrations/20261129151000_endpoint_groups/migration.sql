-- CreateTable
CREATE TABLE "EndpointGroup" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "filters" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "EndpointGroup_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ProjectEndpointGroup" (
    "projectId" TEXT NOT NULL,
    "endpointGroupId" TEXT NOT NULL,

    CONSTRAINT "ProjectEndpointGroup_pkey" PRIMARY KEY ("projectId","endpointGroupId")
);

-- CreateTable
CREATE TABLE "ProjectEndpoint" (
    "projectId" TEXT NOT NULL,
    "endpointId" TEXT NOT NULL,

    CONSTRAINT "ProjectEndpoint_pkey" PRIMARY KEY ("projectId","endpointId")
);

-- CreateIndex
CREATE INDEX "ProjectEndpointGroup_endpointGroupId_idx" ON "ProjectEndpointGroup"("endpointGroupId");

-- CreateIndex
CREATE INDEX "ProjectEndpoint_endpointId_idx" ON "ProjectEndpoint"("endpointId");

-- AddForeignKey
ALTER TABLE "ProjectEndpointGroup" ADD CONSTRAINT "ProjectEndpointGroup_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ProjectEndpointGroup" ADD CONSTRAINT "ProjectEndpointGroup_endpointGroupId_fkey" FOREIGN KEY ("endpointGroupId") REFERENCES "EndpointGroup"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ProjectEndpoint" ADD CONSTRAINT "ProjectEndpoint_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;
