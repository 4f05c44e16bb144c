-- What a schema file cannot say. Stated whole and idempotent: tools/migrate.ts applies it after every
-- deploy and push.

-- Standard attributes: whichever statement changes a row, its revision counts up and its time is set.
CREATE OR REPLACE FUNCTION stratolith_standard_attributes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."revision" := OLD."revision" + 1;
  NEW."updatedAt" := now();
  RETURN NEW;
END $$;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['Network', 'Subnet', 'Port', 'Router', 'FloatingIp', 'SecurityGroup'] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER standard_attributes BEFORE UPDATE ON %I FOR EACH ROW
      WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION stratolith_standard_attributes()', name);
  END LOOP;
END $$;

-- Tombstones: whichever statement deletes a row of these tables, a reconciler has a reason from then on
-- to remove what hosts have of it. A later room adds its table to the list, and its kind to
-- apps/api/src/kernel/tombstones.ts.
CREATE OR REPLACE FUNCTION stratolith_bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "Tombstone" ("kind", "id") SELECT TG_ARGV[0], gone."id"::text FROM gone
  ON CONFLICT ("kind", "id", "hostId") DO UPDATE SET "deletedAt" = now();
  RETURN NULL;
END $$;

DO $$
DECLARE buried record;
BEGIN
  FOR buried IN SELECT * FROM (VALUES
    ('Instance', 'instance'), ('Port', 'port'), ('Network', 'network'), ('Router', 'router'),
    ('SecurityGroup', 'securityGroup')) AS list (name, kind)
  LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER bury AFTER DELETE ON %I REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION stratolith_bury(%L)', buried.name, buried.kind);
  END LOOP;
END $$;

-- An image keeps its row when it is deleted; its bytes are buried when it lets go of them.
CREATE OR REPLACE FUNCTION stratolith_bury_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "Tombstone" ("kind", "id") VALUES ('blob', OLD."blobId")
  ON CONFLICT ("kind", "id", "hostId") DO UPDATE SET "deletedAt" = now();
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER bury_blob AFTER UPDATE ON "Image" FOR EACH ROW
  WHEN (OLD."blobId" IS NOT NULL AND (NEW."blobId" IS DISTINCT FROM OLD."blobId"
    OR (NEW."state" IN ('deleted', 'killed') AND OLD."state" NOT IN ('deleted', 'killed'))))
  EXECUTE FUNCTION stratolith_bury_blob();
CREATE OR REPLACE TRIGGER bury_blob_of_row AFTER DELETE ON "Image" FOR EACH ROW
  WHEN (OLD."blobId" IS NOT NULL) EXECUTE FUNCTION stratolith_bury_blob();

-- Bytes that an image takes again live again.
CREATE OR REPLACE FUNCTION stratolith_unearth_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Tombstone" WHERE "kind" = 'blob' AND "id" = NEW."blobId";
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER unearth_blob_of_row AFTER INSERT ON "Image" FOR EACH ROW
  WHEN (NEW."blobId" IS NOT NULL AND NEW."state" NOT IN ('deleted', 'killed')) EXECUTE FUNCTION stratolith_unearth_blob();
CREATE OR REPLACE TRIGGER unearth_blob AFTER UPDATE OF "blobId" ON "Image" FOR EACH ROW
  WHEN (NEW."blobId" IS NOT NULL AND NEW."blobId" IS DISTINCT FROM OLD."blobId"
    AND NEW."state" NOT IN ('deleted', 'killed')) EXECUTE FUNCTION stratolith_unearth_blob();

-- What leaves a host for another, or for none, is to be gone from there; what comes back is not.
CREATE OR REPLACE FUNCTION stratolith_leave_host() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "Tombstone" WHERE "kind" = TG_ARGV[0] AND "id" = NEW."id"::text AND "hostId" = NEW."hostId"::text;
  INSERT INTO "Tombstone" ("kind", "id", "hostId")
    SELECT TG_ARGV[0], OLD."id"::text, OLD."hostId"::text WHERE OLD."hostId" IS NOT NULL
  ON CONFLICT ("kind", "id", "hostId") DO UPDATE SET "deletedAt" = now();
  RETURN NULL;
END $$;

DO $$
DECLARE buried record;
BEGIN
  FOR buried IN SELECT * FROM (VALUES ('Instance', 'instance'), ('Port', 'port')) AS list (name, kind) LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER leave_host AFTER UPDATE OF "hostId" ON %I FOR EACH ROW
      WHEN (OLD."hostId" IS DISTINCT FROM NEW."hostId") EXECUTE FUNCTION stratolith_leave_host(%L)',
      buried.name, buried.kind);
  END LOOP;
END $$;

-- The epoch of the event log in this life of this PostgreSQL; begins one when the last one was another's:
-- * another system identifier: a dump or a replica on another server, or pg_upgrade;
-- * another timeline: a physical copy or a standby that was promoted, perhaps to an earlier moment;
-- * the row was written by another transaction than it says: it comes from a dump, restored here;
-- * events of transactions that did not begin yet: the rows alone come from elsewhere.
-- Everybody who appends has ended before an epoch begins, so what is of an older one is settled.
CREATE OR REPLACE FUNCTION stratolith_begin_event_epoch() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  here text := (SELECT system_identifier FROM pg_control_system())
    || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);
  known integer;
BEGIN
  FOR attempt IN 1..2 LOOP
    SELECT e."number" INTO known FROM "EventEpoch" e
    WHERE e."number" = (SELECT max("number") FROM "EventEpoch") AND e."cluster" = here
      AND e.xmin::text::bigint = e."xid" % 4294967296
      AND NOT EXISTS (SELECT FROM "Event" v
        WHERE (v."epoch", v."xid") >= (e."number", pg_snapshot_xmax(pg_current_snapshot())::text::bigint));
    IF FOUND THEN RETURN known; END IF;
    IF attempt = 1 THEN LOCK TABLE "Event" IN SHARE ROW EXCLUSIVE MODE; END IF;
  END LOOP;
  INSERT INTO "EventEpoch" ("number", "cluster", "xid") VALUES (
    1 + greatest((SELECT max("number") FROM "EventEpoch"), (SELECT max("epoch") FROM "Event"), 0),
    here, pg_current_xact_id()::text::bigint)
  RETURNING "number" INTO known;
  RETURN known;
END $$;
