-- CreateTable
CREATE TABLE "VolumeKeyHost" (
    "hostId" UUID NOT NULL,
    "start" TEXT,
    "wished" INTEGER NOT NULL DEFAULT 0,
    "told" INTEGER NOT NULL DEFAULT 0,
    "at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VolumeKeyHost_pkey" PRIMARY KEY ("hostId")
);
