-- AlterTable
ALTER TABLE "Network" ADD COLUMN     "portSecurity" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "zoneHints" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Router" ADD COLUMN     "zoneHints" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "SecurityGroupRule" ADD COLUMN     "protocolText" TEXT,
ADD COLUMN     "remoteText" TEXT;
