-- Functions that defaults of columns call, which a schema file cannot define. The file is complete and idempotent:
-- tools/migrate.ts applies it before the tables exist (so no SQL functions here, because they look for the tables).

-- Reads the epoch at each insert: the inserting transaction holds a lock on "Event" by then, so no epoch can begin.
CREATE OR REPLACE FUNCTION stratolith_event_epoch() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT coalesce(max("number"), 0) FROM "EventEpoch");
END $$;
