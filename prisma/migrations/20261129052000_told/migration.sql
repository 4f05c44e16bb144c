-- Which generation a host has said something of last: what it said of an older one says nothing of this one.
ALTER TABLE "HostDocument" ADD COLUMN "told" BIGINT NOT NULL DEFAULT 0;
