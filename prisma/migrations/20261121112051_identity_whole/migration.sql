-- Identity whole: groups, tree of projects, implied roles, delegations, credentials and rows of the catalog.
-- DropForeignKey
ALTER TABLE "RoleAssignment" DROP CONSTRAINT "RoleAssignment_roleId_fkey";

-- DropIndex
DROP INDEX "Role_name_key";

-- DropIndex
DROP INDEX "RoleAssignment_userId_roleId_projectId_domainId_system_key";

-- AlterTable
ALTER TABLE "Domain" ADD COLUMN     "options" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "tags" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Project" ADD COLUMN     "ancestors" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "deleting" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "extra" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "options" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "parentId" TEXT,
ADD COLUMN     "tags" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Role" ADD COLUMN     "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "domainId" TEXT,
ADD COLUMN     "domainKey" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "options" JSONB NOT NULL DEFAULT '{}';

-- AlterTable
ALTER TABLE "RoleAssignment" ADD COLUMN     "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "groupId" TEXT,
ADD COLUMN     "inherited" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "key" TEXT,
ALTER COLUMN "userId" DROP NOT NULL;

-- The key of the assignments that are there (identity/assignments.ts), each kept once.
UPDATE "RoleAssignment" SET "key" = 'user:' || "userId" || ' ' || CASE
  WHEN "projectId" IS NOT NULL THEN 'project:' || "projectId"
  WHEN "domainId" IS NOT NULL THEN 'domain:' || "domainId"
  ELSE 'system' END || ' role:' || "roleId";
DELETE FROM "RoleAssignment" a USING "RoleAssignment" b WHERE a."key" = b."key" AND a."id" > b."id";
ALTER TABLE "RoleAssignment" ALTER COLUMN "key" SET NOT NULL;
ALTER TABLE "RoleAssignment"
  ADD CONSTRAINT "RoleAssignment_one_who" CHECK (num_nonnulls("userId", "groupId") = 1),
  ADD CONSTRAINT "RoleAssignment_one_where" CHECK (num_nonnulls("projectId", "domainId") + "system"::int = 1);

-- AlterTable
ALTER TABLE "Token" ADD COLUMN     "applicationCredentialId" TEXT,
ADD COLUMN     "credentialId" TEXT,
ADD COLUMN     "source" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "trustId" TEXT,
ADD COLUMN     "userAgent" TEXT NOT NULL DEFAULT '';

-- AlterTable
ALTER TABLE "User" ADD COLUMN     "backend" TEXT NOT NULL DEFAULT 'sql',
ADD COLUMN     "externalId" TEXT,
ADD COLUMN     "extra" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "lastActiveAt" TIMESTAMPTZ(6),
ADD COLUMN     "options" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "passwordChangedAt" TIMESTAMPTZ(6),
ADD COLUMN     "passwordExpiresAt" TIMESTAMPTZ(6);

-- When the passwords that are there were set is not known: with the user, at the latest.
UPDATE "User" SET "passwordChangedAt" = "createdAt" WHERE "passwordHash" IS NOT NULL;

-- CreateTable
CREATE TABLE "CatalogRegion" (
    "id" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "parentRegionId" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "CatalogRegion_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "CatalogService" (
    "id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "description" TEXT NOT NULL DEFAULT '',
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "CatalogService_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "CatalogEndpoint" (
    "id" TEXT NOT NULL,
    "serviceId" TEXT NOT NULL,
    "interface" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "regionId" TEXT,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "CatalogEndpoint_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "OldPassword" (
    "id" UUID NOT NULL,
    "userId" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "OldPassword_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Group" (
    "id" TEXT NOT NULL,
    "domainId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "externalId" TEXT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Group_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "GroupMember" (
    "groupId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "GroupMember_pkey" PRIMARY KEY ("groupId","userId")
);

-- CreateTable
CREATE TABLE "ImpliedRole" (
    "priorRoleId" TEXT NOT NULL,
    "impliedRoleId" TEXT NOT NULL,

    CONSTRAINT "ImpliedRole_pkey" PRIMARY KEY ("priorRoleId","impliedRoleId")
);

-- CreateTable
CREATE TABLE "AuthReceipt" (
    "hash" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "methods" TEXT[],
    "issuedAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "AuthReceipt_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "Credential" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "projectId" TEXT,
    "type" TEXT NOT NULL,
    "blob" TEXT NOT NULL,
    "keyHash" TEXT NOT NULL DEFAULT '',
    "accessKey" TEXT,
    "applicationCredentialId" TEXT,
    "trustId" TEXT,
    "lastStep" BIGINT,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Credential_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApplicationCredential" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "projectId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "secretHash" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(6),
    "unrestricted" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ApplicationCredential_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApplicationCredentialRole" (
    "applicationCredentialId" TEXT NOT NULL,
    "roleId" TEXT NOT NULL,

    CONSTRAINT "ApplicationCredentialRole_pkey" PRIMARY KEY ("applicationCredentialId","roleId")
);

-- CreateTable
CREATE TABLE "AccessRule" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "method" TEXT NOT NULL,
    "path" TEXT NOT NULL,

    CONSTRAINT "AccessRule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApplicationCredentialAccessRule" (
    "applicationCredentialId" TEXT NOT NULL,
    "accessRuleId" TEXT NOT NULL,

    CONSTRAINT "ApplicationCredentialAccessRule_pkey" PRIMARY KEY ("applicationCredentialId","accessRuleId")
);

-- CreateTable
CREATE TABLE "Trust" (
    "id" TEXT NOT NULL,
    "trustorId" TEXT NOT NULL,
    "trusteeId" TEXT NOT NULL,
    "projectId" TEXT,
    "impersonation" BOOLEAN NOT NULL DEFAULT false,
    "expiresAt" TIMESTAMPTZ(6),
    "remainingUses" INTEGER,
    "allowRedelegation" BOOLEAN NOT NULL DEFAULT false,
    "redelegationCount" INTEGER NOT NULL DEFAULT 0,
    "redelegatedTrustId" TEXT,
    "chain" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "deletedAt" TIMESTAMPTZ(6),
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Trust_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TrustRole" (
    "trustId" TEXT NOT NULL,
    "roleId" TEXT NOT NULL,

    CONSTRAINT "TrustRole_pkey" PRIMARY KEY ("trustId","roleId")
);

-- CreateTable
CREATE TABLE "StoredPolicy" (
    "id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "blob" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "StoredPolicy_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "CatalogRegion_parentRegionId_idx" ON "CatalogRegion"("parentRegionId");

-- CreateIndex
CREATE INDEX "CatalogService_type_idx" ON "CatalogService"("type");

-- CreateIndex
CREATE INDEX "CatalogEndpoint_serviceId_idx" ON "CatalogEndpoint"("serviceId");

-- CreateIndex
CREATE INDEX "CatalogEndpoint_regionId_idx" ON "CatalogEndpoint"("regionId");

-- CreateIndex
CREATE INDEX "OldPassword_userId_createdAt_idx" ON "OldPassword"("userId", "createdAt" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "Group_domainId_name_key" ON "Group"("domainId", "name");

-- CreateIndex
CREATE UNIQUE INDEX "Group_domainId_externalId_key" ON "Group"("domainId", "externalId");

-- CreateIndex
CREATE INDEX "GroupMember_userId_idx" ON "GroupMember"("userId");

-- CreateIndex
CREATE INDEX "ImpliedRole_impliedRoleId_idx" ON "ImpliedRole"("impliedRoleId");

-- CreateIndex
CREATE INDEX "AuthReceipt_userId_idx" ON "AuthReceipt"("userId");

-- CreateIndex
CREATE INDEX "AuthReceipt_expiresAt_idx" ON "AuthReceipt"("expiresAt");

-- CreateIndex
CREATE UNIQUE INDEX "Credential_accessKey_key" ON "Credential"("accessKey");

-- CreateIndex
CREATE INDEX "Credential_userId_type_idx" ON "Credential"("userId", "type");

-- CreateIndex
CREATE INDEX "Credential_projectId_idx" ON "Credential"("projectId");

-- CreateIndex
CREATE INDEX "Credential_applicationCredentialId_idx" ON "Credential"("applicationCredentialId");

-- CreateIndex
CREATE INDEX "Credential_trustId_idx" ON "Credential"("trustId");

-- CreateIndex
CREATE INDEX "ApplicationCredential_projectId_idx" ON "ApplicationCredential"("projectId");

-- CreateIndex
CREATE UNIQUE INDEX "ApplicationCredential_userId_name_key" ON "ApplicationCredential"("userId", "name");

-- CreateIndex
CREATE INDEX "ApplicationCredentialRole_roleId_idx" ON "ApplicationCredentialRole"("roleId");

-- CreateIndex
CREATE UNIQUE INDEX "AccessRule_userId_service_method_path_key" ON "AccessRule"("userId", "service", "method", "path");

-- CreateIndex
CREATE INDEX "ApplicationCredentialAccessRule_accessRuleId_idx" ON "ApplicationCredentialAccessRule"("accessRuleId");

-- CreateIndex
CREATE INDEX "Trust_trustorId_idx" ON "Trust"("trustorId");

-- CreateIndex
CREATE INDEX "Trust_trusteeId_idx" ON "Trust"("trusteeId");

-- CreateIndex
CREATE INDEX "Trust_projectId_idx" ON "Trust"("projectId");

-- CreateIndex
CREATE INDEX "Trust_redelegatedTrustId_idx" ON "Trust"("redelegatedTrustId");

-- CreateIndex
CREATE INDEX "TrustRole_roleId_idx" ON "TrustRole"("roleId");

-- CreateIndex
CREATE INDEX "Project_parentId_idx" ON "Project"("parentId");

-- CreateIndex
CREATE INDEX "Project_ancestors_idx" ON "Project" USING GIN ("ancestors");

-- CreateIndex
CREATE INDEX "Project_tags_idx" ON "Project" USING GIN ("tags");

-- CreateIndex
CREATE INDEX "Role_domainId_idx" ON "Role"("domainId");

-- CreateIndex
CREATE UNIQUE INDEX "Role_domainKey_name_key" ON "Role"("domainKey", "name");

-- CreateIndex
CREATE UNIQUE INDEX "RoleAssignment_key_key" ON "RoleAssignment"("key");

-- CreateIndex
CREATE INDEX "RoleAssignment_userId_idx" ON "RoleAssignment"("userId");

-- CreateIndex
CREATE INDEX "RoleAssignment_groupId_idx" ON "RoleAssignment"("groupId");

-- CreateIndex
CREATE INDEX "RoleAssignment_domainId_idx" ON "RoleAssignment"("domainId");

-- CreateIndex
CREATE INDEX "RoleAssignment_roleId_idx" ON "RoleAssignment"("roleId");

-- CreateIndex
CREATE INDEX "Token_projectId_idx" ON "Token"("projectId");

-- CreateIndex
CREATE INDEX "Token_parentAuditId_idx" ON "Token"("parentAuditId");

-- CreateIndex
CREATE INDEX "Token_applicationCredentialId_idx" ON "Token"("applicationCredentialId");

-- CreateIndex
CREATE INDEX "Token_trustId_idx" ON "Token"("trustId");

-- CreateIndex
CREATE INDEX "Token_credentialId_idx" ON "Token"("credentialId");

-- CreateIndex
CREATE INDEX "User_passwordExpiresAt_idx" ON "User"("passwordExpiresAt");

-- CreateIndex
CREATE UNIQUE INDEX "User_domainId_externalId_key" ON "User"("domainId", "externalId");

-- AddForeignKey
ALTER TABLE "Project" ADD CONSTRAINT "Project_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "Project"("id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "OldPassword" ADD CONSTRAINT "OldPassword_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Group" ADD CONSTRAINT "Group_domainId_fkey" FOREIGN KEY ("domainId") REFERENCES "Domain"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "GroupMember" ADD CONSTRAINT "GroupMember_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "Group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "GroupMember" ADD CONSTRAINT "GroupMember_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Role" ADD CONSTRAINT "Role_domainId_fkey" FOREIGN KEY ("domainId") REFERENCES "Domain"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ImpliedRole" ADD CONSTRAINT "ImpliedRole_priorRoleId_fkey" FOREIGN KEY ("priorRoleId") REFERENCES "Role"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ImpliedRole" ADD CONSTRAINT "ImpliedRole_impliedRoleId_fkey" FOREIGN KEY ("impliedRoleId") REFERENCES "Role"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RoleAssignment" ADD CONSTRAINT "RoleAssignment_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "Group"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RoleAssignment" ADD CONSTRAINT "RoleAssignment_roleId_fkey" FOREIGN KEY ("roleId") REFERENCES "Role"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RoleAssignment" ADD CONSTRAINT "RoleAssignment_domainId_fkey" FOREIGN KEY ("domainId") REFERENCES "Domain"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Token" ADD CONSTRAINT "Token_applicationCredentialId_fkey" FOREIGN KEY ("applicationCredentialId") REFERENCES "ApplicationCredential"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Token" ADD CONSTRAINT "Token_trustId_fkey" FOREIGN KEY ("trustId") REFERENCES "Trust"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Token" ADD CONSTRAINT "Token_credentialId_fkey" FOREIGN KEY ("credentialId") REFERENCES "Credential"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AuthReceipt" ADD CONSTRAINT "AuthReceipt_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Credential" ADD CONSTRAINT "Credential_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Credential" ADD CONSTRAINT "Credential_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Credential" ADD CONSTRAINT "Credential_applicationCredentialId_fkey" FOREIGN KEY ("applicationCredentialId") REFERENCES "ApplicationCredential"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Credential" ADD CONSTRAINT "Credential_trustId_fkey" FOREIGN KEY ("trustId") REFERENCES "Trust"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationCredential" ADD CONSTRAINT "ApplicationCredential_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationCredential" ADD CONSTRAINT "ApplicationCredential_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationCredentialRole" ADD CONSTRAINT "ApplicationCredentialRole_applicationCredentialId_fkey" FOREIGN KEY ("applicationCredentialId") REFERENCES "ApplicationCredential"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationCredentialRole" ADD CONSTRAINT "ApplicationCredentialRole_roleId_fkey" FOREIGN KEY ("roleId") REFERENCES "Role"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AccessRule" ADD CONSTRAINT "AccessRule_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationCredentialAccessRule" ADD CONSTRAINT "ApplicationCredentialAccessRule_applicationCredentialId_fkey" FOREIGN KEY ("applicationCredentialId") REFERENCES "ApplicationCredential"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationCredentialAccessRule" ADD CONSTRAINT "ApplicationCredentialAccessRule_accessRuleId_fkey" FOREIGN KEY ("accessRuleId") REFERENCES "AccessRule"("id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Trust" ADD CONSTRAINT "Trust_trustorId_fkey" FOREIGN KEY ("trustorId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Trust" ADD CONSTRAINT "Trust_trusteeId_fkey" FOREIGN KEY ("trusteeId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Trust" ADD CONSTRAINT "Trust_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Trust" ADD CONSTRAINT "Trust_redelegatedTrustId_fkey" FOREIGN KEY ("redelegatedTrustId") REFERENCES "Trust"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TrustRole" ADD CONSTRAINT "TrustRole_trustId_fkey" FOREIGN KEY ("trustId") REFERENCES "Trust"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TrustRole" ADD CONSTRAINT "TrustRole_roleId_fkey" FOREIGN KEY ("roleId") REFERENCES "Role"("id") ON DELETE CASCADE ON UPDATE CASCADE;
