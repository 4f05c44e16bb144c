-- What defaults of columns call, which a schema file cannot say. Stated whole and idempotent:
-- tools/migrate.ts applies it before the tables are there (so: no SQL functions, which look for them).

-- Looked up afresh: whoever appends holds a lock on "Event" by then, and no epoch begins meanwhile.
CREATE OR REPLACE FUNCTION stratolith_event_epoch() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT coalesce(max("number"), 0) FROM "EventEpoch");
END $$;
