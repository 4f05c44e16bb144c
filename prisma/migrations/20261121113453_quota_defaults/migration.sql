-- CreateTable
CREATE TABLE "QuotaDefault" (
    "resource" TEXT NOT NULL,
    "limit" INTEGER NOT NULL,

    CONSTRAINT "QuotaDefault_pkey" PRIMARY KEY ("resource")
);
