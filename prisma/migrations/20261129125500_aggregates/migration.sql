-- CreateTable
CREATE TABLE "Aggregate" (
    "id" SERIAL NOT NULL,
    "uuid" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "zone" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(6),

    CONSTRAINT "Aggregate_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AggregateHost" (
    "aggregateId" INTEGER NOT NULL,
    "hostId" UUID NOT NULL,

    CONSTRAINT "AggregateHost_pkey" PRIMARY KEY ("aggregateId","hostId")
);

-- CreateIndex
CREATE UNIQUE INDEX "Aggregate_uuid_key" ON "Aggregate"("uuid");

-- CreateIndex
CREATE UNIQUE INDEX "Aggregate_name_key" ON "Aggregate"("name");

-- CreateIndex
CREATE INDEX "AggregateHost_hostId_idx" ON "AggregateHost"("hostId");

-- AddForeignKey
ALTER TABLE "AggregateHost" ADD CONSTRAINT "AggregateHost_aggregateId_fkey" FOREIGN KEY ("aggregateId") REFERENCES "Aggregate"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AggregateHost" ADD CONSTRAINT "AggregateHost_hostId_fkey" FOREIGN KEY ("hostId") REFERENCES "Host"("id") ON DELETE CASCADE ON UPDATE CASCADE;
