-- CreateTable
CREATE TABLE "HeldAddress" (
    "hostId" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "thing" UUID NOT NULL,
    "subnetId" UUID NOT NULL,
    "address" TEXT NOT NULL,
    "until" BIGINT NOT NULL,

    CONSTRAINT "HeldAddress_pkey" PRIMARY KEY ("hostId","kind","thing","subnetId","address")
);

-- CreateTable
CREATE TABLE "HeldRoom" (
    "hostId" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "thing" UUID NOT NULL,
    "vcpus" INTEGER NOT NULL,
    "memoryMib" INTEGER NOT NULL,
    "diskGib" INTEGER NOT NULL,

    CONSTRAINT "HeldRoom_pkey" PRIMARY KEY ("hostId","kind","thing")
);

-- CreateIndex
CREATE INDEX "HeldAddress_subnetId_address_idx" ON "HeldAddress"("subnetId", "address");

-- AddForeignKey
ALTER TABLE "HeldAddress" ADD CONSTRAINT "HeldAddress_hostId_kind_thing_fkey" FOREIGN KEY ("hostId", "kind", "thing") REFERENCES "HostDocument"("hostId", "kind", "thing") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "HeldRoom" ADD CONSTRAINT "HeldRoom_hostId_kind_thing_fkey" FOREIGN KEY ("hostId", "kind", "thing") REFERENCES "HostDocument"("hostId", "kind", "thing") ON DELETE CASCADE ON UPDATE CASCADE;
