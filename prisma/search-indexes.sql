-- Searches for a part of a name (ILIKE), by pg_trgm. tools/migrate.ts builds each after a deploy, beside
-- running requests, where the extension may be had.

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Instance_name_search" ON "Instance" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Image_name_search" ON "Image" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Network_name_search" ON "Network" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Port_name_search" ON "Port" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Router_name_search" ON "Router" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "SecurityGroup_name_search" ON "SecurityGroup" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Operation_resourceName_search" ON "Operation" USING gin ("resourceName" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Project_words_search" ON "Project" USING gin ("name" gin_trgm_ops, "id" gin_trgm_ops, "description" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "User_words_search" ON "User" USING gin ("name" gin_trgm_ops, "id" gin_trgm_ops, "email" gin_trgm_ops, "description" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Group_words_search" ON "Group" USING gin ("name" gin_trgm_ops, "id" gin_trgm_ops, "description" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_name_search" ON "Volume" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "FloatingIp_description_search" ON "FloatingIp" USING gin ("description" gin_trgm_ops);
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeSnapshot_name_search" ON "VolumeSnapshot" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeGroup_name_search" ON "VolumeGroup" USING gin ("name" gin_trgm_ops);

CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeGroupSnapshot_name_search" ON "VolumeGroupSnapshot" USING gin ("name" gin_trgm_ops);
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeBackup_name_search" ON "VolumeBackup" USING gin ("name" gin_trgm_ops);
