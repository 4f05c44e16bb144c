-- The end that a caller chose is answered as it was sent: a Date has no microseconds.
ALTER TABLE "ApplicationCredential" ADD COLUMN "expiresMicros" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "Trust" ADD COLUMN "expiresMicros" INTEGER NOT NULL DEFAULT 0;
