-- AlterTable
ALTER TABLE "Operation" ADD COLUMN     "hostId" TEXT,
ADD COLUMN     "leaseNumber" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "leaseWorker" UUID,
ADD COLUMN     "undoingSince" TIMESTAMPTZ(6);

-- A step is known by its name from now on. Two of one name in one operation were never made, but should a
-- database have them all the same, the first to begin stays.
-- small: nothing waits for it, the version before has one worker and npm start has ended it
DELETE FROM "OperationStep" a USING "OperationStep" b
  WHERE a."operationId" = b."operationId" AND a."name" = b."name" AND a."index" > b."index";

-- AlterTable
-- small: nothing waits for it, the version before has one worker and npm start has ended it
ALTER TABLE "OperationStep" DROP CONSTRAINT "OperationStep_pkey",
ADD CONSTRAINT "OperationStep_pkey" PRIMARY KEY ("operationId", "name");

-- CreateTable
CREATE TABLE "Worker" (
    "id" UUID NOT NULL,
    "place" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "pidStart" TEXT NOT NULL,
    "pools" TEXT[],
    "startedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "leaseUntil" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "Worker_pkey" PRIMARY KEY ("id")
);
