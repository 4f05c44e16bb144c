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
