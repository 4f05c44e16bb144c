-- What OpenStack's clients ask for as OS-DCF:diskConfig is shown to them again.
ALTER TABLE "Instance" ADD COLUMN "diskConfig" TEXT NOT NULL DEFAULT 'MANUAL';
