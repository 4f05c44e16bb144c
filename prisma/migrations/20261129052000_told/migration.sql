-- Which generation a host has said something of last: what it said of an older one says nothing of this one.
-- Rows from before count as told of what they have confirmed.
ALTER TABLE "HostDocument" ADD COLUMN "told" BIGINT NOT NULL DEFAULT 0;
UPDATE "HostDocument" SET "told" = "confirmed" WHERE "confirmed" > 0;
