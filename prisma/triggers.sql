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
