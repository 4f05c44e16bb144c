-- CreateTable
CREATE TABLE "EventEpoch" (
    "number" INTEGER NOT NULL,
    "cluster" TEXT NOT NULL,
    "xid" BIGINT NOT NULL,
    "startedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "EventEpoch_pkey" PRIMARY KEY ("number")
);

-- What is there is of epoch 0, which is over: a constant, so that no row is written anew.
ALTER TABLE "Event" ADD COLUMN "epoch" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "Event" ALTER COLUMN "epoch" SET DEFAULT stratolith_event_epoch();
