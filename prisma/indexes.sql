-- Indexes that a schema file cannot define, because they hold only a part of the rows. tools/migrate.ts builds
-- each of them after a deploy, beside running requests.

-- The operations under way: a handful of rows in a history of years.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Operation_unfinished_idx" ON "Operation" ("createdAt")
  WHERE "state" IN ('queued', 'running', 'undoing');

-- Trusts that were taken back: kernel/retention.ts finds the old ones by this index.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Trust_deleted_idx" ON "Trust" ("deletedAt")
  WHERE "deletedAt" IS NOT NULL;

-- The few networks that everybody sees, among those of all projects.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Network_shared_idx" ON "Network" ("createdAt") WHERE "shared";

CREATE INDEX CONCURRENTLY IF NOT EXISTS "Network_external_idx" ON "Network" ("createdAt") WHERE "external";

-- Addresses that begin with what somebody types (LIKE).
CREATE INDEX CONCURRENTLY IF NOT EXISTS "FloatingIp_address_prefix" ON "FloatingIp" ("address" text_pattern_ops);

-- The few ports of a network that are its routers', among those of a thousand guests.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Port_router_interface_idx" ON "Port" ("networkId")
  WHERE "deviceOwner" = 'network:router_interface';

-- Documents that hosts must remove and whose removal they have not confirmed: a transaction that needs a document
-- on a host looks here first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "HostDocument_unwanted_idx" ON "HostDocument" ("hostId", "kind", "thing")
  WHERE NOT "wanted";

-- Documents with a time at which their host must be told again, by host: hosts that do not answer have many.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "HostDocument_due_idx" ON "HostDocument" ("hostId")
  WHERE "dueAt" IS NOT NULL;

-- The few ports of routers whose state no host has reported yet (or that are older than the column), among all ports.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Port_untold_idx" ON "Port" ("deviceId")
  WHERE "deviceOwner" IN ('network:router_interface', 'network:router_gateway', 'network:floatingip') AND "state" = 'down';

-- The users whose default project is being deleted: most users have no default project.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "User_default_project_idx" ON "User" ("defaultProjectId")
  WHERE "defaultProjectId" IS NOT NULL;

-- The few tokens for a domain, when the domain is deleted or disabled.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Token_domain_idx" ON "Token" ("domainId")
  WHERE "domainId" IS NOT NULL;

-- The same of the addresses that ports have.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "PortAddress_address_prefix" ON "PortAddress" ("address" text_pattern_ops);

-- The same of the addresses that routers have outside.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Router_address_prefix" ON "Router" ("externalAddress" text_pattern_ops);

-- The few floating IPs of a router that no host has confirmed yet: a reconciler asks for them every half minute.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "FloatingIp_unsettled_idx" ON "FloatingIp" ("routerId")
  WHERE "state" <> 'active' AND "portId" IS NOT NULL AND "routerId" IS NOT NULL;

-- The few deleted volumes that can still be taken back: a reconciler looks for those whose time is over, and people
-- list those of their project.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_trashed_idx" ON "Volume" ("trashedUntil") WHERE "trashedUntil" IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_trashed_of_project_idx" ON "Volume" ("projectId", "trashedUntil", "id")
  WHERE "trashedUntil" IS NOT NULL;

-- The same for snapshots of volumes and for backups.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeSnapshot_trashed_idx" ON "VolumeSnapshot" ("trashedUntil") WHERE "trashedUntil" IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeSnapshot_trashed_of_project_idx" ON "VolumeSnapshot" ("projectId", "trashedUntil", "id")
  WHERE "trashedUntil" IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeBackup_trashed_idx" ON "VolumeBackup" ("trashedUntil") WHERE "trashedUntil" IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeBackup_trashed_of_project_idx" ON "VolumeBackup" ("projectId", "trashedUntil", "id")
  WHERE "trashedUntil" IS NOT NULL;

-- The few volumes of deleted instances whose host has not confirmed that the guest is gone: a reconciler looks for them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "VolumeAttachment_forgotten_idx" ON "VolumeAttachment" ("forgottenAt")
  WHERE "forgottenAt" IS NOT NULL;

-- A volume has one owner, unless it is for several instances.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "VolumeAttachment_owner_key" ON "VolumeAttachment" ("volumeId") WHERE NOT "shared";

-- The few volumes that are being moved into another pool, whose room counts there, too.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_moving_idx" ON "Volume" ("movingToId") WHERE "movingToId" IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Volume_wanted_type_idx" ON "Volume" ("wantedTypeId") WHERE "wantedTypeId" IS NOT NULL;

-- The operations that are shown in the history of another thing, too: few of all.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Operation_related_idx" ON "Operation" ("relatedId", "createdAt" DESC)
  WHERE "relatedId" IS NOT NULL;
