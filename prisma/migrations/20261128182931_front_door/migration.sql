-- AlterTable
ALTER TABLE "Operation" ADD COLUMN     "globalRequestId" TEXT;

-- AlterTable
ALTER TABLE "Event" ADD COLUMN     "globalRequestId" TEXT;

-- CreateTable
CREATE TABLE "SignInLimit" (
    "key" TEXT NOT NULL,
    "points" INTEGER NOT NULL,
    "expire" TIMESTAMPTZ(3),

    CONSTRAINT "SignInLimit_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "SignInLimit_expire_idx" ON "SignInLimit"("expire");
