-- A domain that was deleted while projects of it were going is seen by nobody, and goes with the last of them.
ALTER TABLE "Domain" ADD COLUMN "deleting" BOOLEAN NOT NULL DEFAULT false;
