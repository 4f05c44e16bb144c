-- AlterTable
ALTER TABLE "FloatingIp" ALTER COLUMN "tags" SET DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Network" ALTER COLUMN "tags" SET DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Port" ALTER COLUMN "tags" SET DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Router" ALTER COLUMN "tags" SET DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "SecurityGroup" ALTER COLUMN "tags" SET DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Subnet" ALTER COLUMN "tags" SET DEFAULT ARRAY[]::TEXT[];

-- Rows from before have none yet.
UPDATE "Network" SET "tags" = ARRAY[]::TEXT[] WHERE "tags" IS NULL;
UPDATE "Subnet" SET "tags" = ARRAY[]::TEXT[] WHERE "tags" IS NULL;
UPDATE "Port" SET "tags" = ARRAY[]::TEXT[] WHERE "tags" IS NULL;
UPDATE "Router" SET "tags" = ARRAY[]::TEXT[] WHERE "tags" IS NULL;
UPDATE "FloatingIp" SET "tags" = ARRAY[]::TEXT[] WHERE "tags" IS NULL;
UPDATE "SecurityGroup" SET "tags" = ARRAY[]::TEXT[] WHERE "tags" IS NULL;
