-- Attributes of the caller's own, which Keystone keeps and shows with everything that it has.
ALTER TABLE "Domain" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "Group" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "Role" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "Credential" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "StoredPolicy" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "CatalogRegion" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "CatalogService" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
ALTER TABLE "CatalogEndpoint" ADD COLUMN "extra" JSONB NOT NULL DEFAULT '{}';
