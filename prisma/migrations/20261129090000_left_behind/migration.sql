-- Whose a held address was and in which of its quotas it counted, and whose a deleted port was.
ALTER TABLE "HeldAddress" ADD COLUMN "projectId" TEXT NOT NULL DEFAULT '',
ADD COLUMN "quota" TEXT NOT NULL DEFAULT 'ports';

ALTER TABLE "Tombstone" ADD COLUMN "projectId" TEXT NOT NULL DEFAULT '';
