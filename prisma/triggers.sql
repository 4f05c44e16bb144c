-- Triggers, which a schema file cannot define. The file is complete and idempotent: tools/migrate.ts applies it
-- after every deploy and push.

-- Standard attributes: every statement that changes a row counts its revision up and sets its time.
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

-- Tombstones: every statement that deletes a row of these tables gives reconcilers a reason to remove the
-- deleted thing from hosts. A later room adds its table to the list, and its kind to
-- apps/api/src/kernel/tombstones.ts.
CREATE OR REPLACE FUNCTION stratolith_bury() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "Tombstone" ("kind", "id", "projectId") SELECT TG_ARGV[0], gone."id"::text, gone."projectId" FROM gone
  ON CONFLICT ("kind", "id", "hostId") DO UPDATE SET "deletedAt" = now();
  RETURN NULL;
END $$;

DO $$
DECLARE buried record;
BEGIN
  FOR buried IN SELECT * FROM (VALUES
    ('Instance', 'instance'), ('Port', 'port'), ('Network', 'network'), ('Router', 'router'),
    ('SecurityGroup', 'securityGroup'), ('Volume', 'volume'), ('VolumeSnapshot', 'volumeSnapshot')) AS list (name, kind)
  LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER bury AFTER DELETE ON %I REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION stratolith_bury(%L)', buried.name, buried.kind);
  END LOOP;
END $$;

-- A deleted image keeps its row. Its bytes get a tombstone when the row no longer names them or the image is deleted.
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

-- When an image names bytes again, their tombstone is deleted.
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

-- A thing that leaves a host gets a tombstone for that host. When the thing comes back, that tombstone is deleted.
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

-- Documents: changes that hosts must learn. Every statement that changes a row that a document is made of counts
-- the document's generation up and wakes the delivery. The triggers run at the end of the transaction, because
-- many transactions change one document at the same time (the members of a group), and each waits for the one
-- before. A transaction counts once, because hosts see its changes together. It knows its own count by number and
-- time, since transaction numbers come again after 2^32 transactions. A count made in a savepoint has another
-- number, so the transaction counts once more.
CREATE OR REPLACE FUNCTION stratolith_changed(which text, things uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "Document" ("kind", "thing") SELECT which, t FROM unnest(things) t
  WHERE t IS NOT NULL AND NOT EXISTS (SELECT FROM "Document" d WHERE d."kind" = which AND d."thing" = t
    AND d.xmin = pg_current_xact_id()::xid AND d."changedAt" >= now())
  GROUP BY t ORDER BY t
  ON CONFLICT ("kind", "thing") DO UPDATE SET "generation" = "Document"."generation" + 1, "changedAt" = clock_timestamp();
  IF FOUND THEN PERFORM pg_notify('stratolith_reconcile', 'hosts.documents'); END IF;
END $$;

-- The hosts need these things from now on. Writes down those that a host does not have yet or had to remove.
CREATE OR REPLACE FUNCTION stratolith_need(hosts uuid[], kinds text[], things uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE again record;
BEGIN
  -- Documents that are wanted stay wanted: this waits for a transaction that withdraws one, and later ones wait for
    -- this (stratolith_withdraw).
  PERFORM FROM unnest(hosts, kinds, things) n (h, k, t) JOIN "HostDocument" d ON d."hostId" = n.h AND d."kind" = n.k AND d."thing" = n.t
    WHERE d."wanted" AND n.k IN ('network', 'router', 'addressSet') ORDER BY n.h, n.k, n.t FOR KEY SHARE OF d;
  -- Unwanted documents come first: when a host is just confirming a removal, this waits, and the row is made anew below.
  FOR again IN
    SELECT d."hostId", d."kind", d."thing" FROM unnest(hosts, kinds, things) n (h, k, t) JOIN "HostDocument" d
    ON d."hostId" = n.h AND d."kind" = n.k AND d."thing" = n.t AND NOT d."wanted" ORDER BY 1, 2, 3 FOR NO KEY UPDATE OF d
  LOOP
    UPDATE "HostDocument" SET "wanted" = true, "error" = NULL, "attempts" = 0, "since" = now(), "dueAt" = now()
    WHERE "hostId" = again."hostId" AND "kind" = again."kind" AND "thing" = again."thing";
    PERFORM stratolith_changed(again."kind", ARRAY[again."thing"]);
  END LOOP;
  -- The lock keeps stratolith_forget from deleting the document before the row of the host is visible.
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('documents', 0));
  INSERT INTO "Document" ("kind", "thing") SELECT k, t FROM unnest(kinds, things) n (k, t) GROUP BY 1, 2 ORDER BY 1, 2 ON CONFLICT DO NOTHING;
  INSERT INTO "HostDocument" ("hostId", "kind", "thing")
  SELECT n.* FROM unnest(hosts, kinds, things) n (h, k, t) JOIN "Host" o ON o."id" = n.h GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN; END IF;
  -- The host remembers a removal up to a generation, so the document needs a newer one. This comes last, because the
    -- host may have confirmed the removal while the statements above waited.
  FOR again IN
    DELETE FROM "HostDocument" d USING unnest(hosts, kinds, things) n (h, k, t)
    WHERE d."hostId" = n.h AND d."kind" = 'gone ' || n.k AND d."thing" = n.t RETURNING n.k AS "kind", n.t AS "thing", d."confirmed"
  LOOP
    CONTINUE WHEN EXISTS (SELECT FROM "Document" d WHERE d."kind" = again."kind" AND d."thing" = again."thing" AND d."generation" > again."confirmed");
    PERFORM stratolith_changed(again."kind", ARRAY[again."thing"]);
  END LOOP;
  PERFORM pg_notify('stratolith_reconcile', 'hosts.documents');
END $$;

-- Bound ports need these things on their hosts: the ports themselves, their networks, the routers of these networks
-- with all networks of the routers, and the members of every group that a rule of the ports names.
CREATE OR REPLACE FUNCTION stratolith_needs(ports uuid[]) RETURNS TABLE (host uuid, kind text, thing uuid) LANGUAGE sql STABLE AS $$
  WITH bound AS (
    SELECT "id", "hostId", "networkId" FROM "Port" WHERE "id" = ANY (ports) AND "hostId" IS NOT NULL
  ), led AS (
    SELECT DISTINCT b."hostId", i."deviceId"::uuid AS router FROM bound b
    JOIN "Port" i ON i."networkId" = b."networkId" AND i."deviceOwner" = 'network:router_interface'
  )
  SELECT "hostId", 'port', "id" FROM bound
  UNION SELECT "hostId", 'network', "networkId" FROM bound
  UNION SELECT "hostId", 'router', router FROM led
  UNION SELECT l."hostId", 'network', i."networkId" FROM led l
    JOIN "Port" i ON i."deviceId" = l.router::text AND i."deviceOwner" = 'network:router_interface'
  UNION SELECT l."hostId", 'network', r."externalNetworkId" FROM led l JOIN "Router" r ON r."id" = l.router
    WHERE r."externalNetworkId" IS NOT NULL
  UNION SELECT b."hostId", 'addressSet', r."remoteGroupId" FROM bound b
    JOIN "PortSecurityGroup" m ON m."portId" = b."id" JOIN "SecurityGroupRule" r ON r."groupId" = m."groupId"
    WHERE r."remoteGroupId" IS NOT NULL
$$;

-- Planned once per session, because planning takes longer than running, and always with indexes, even when the
-- tables were small at the time of planning.
CREATE OR REPLACE FUNCTION stratolith_needed(ports uuid[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  hosts uuid[];
  kinds text[];
  things uuid[];
BEGIN
  SELECT array_agg(host), array_agg(kind), array_agg(thing) INTO hosts, kinds, things FROM stratolith_needs(ports);
  IF hosts IS NOT NULL THEN PERFORM stratolith_need(hosts, kinds, things); END IF;
END $$;

-- Says that hosts must remove a document: one host, or (place NULL) all hosts.
CREATE OR REPLACE FUNCTION stratolith_unwanted(which text, one uuid, place uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM "HostDocument" WHERE "kind" = which AND "thing" = one AND "wanted" AND (place IS NULL OR "hostId" = place)
    ORDER BY "hostId" FOR NO KEY UPDATE;
  UPDATE "HostDocument" SET "wanted" = false, "error" = NULL, "attempts" = 0, "since" = now(), "dueAt" = now()
  WHERE "kind" = which AND "thing" = one AND "wanted" AND (place IS NULL OR "hostId" = place);
  IF FOUND THEN PERFORM stratolith_changed(which, ARRAY[one]); END IF;
END $$;

-- The networks, routers and groups on a host that none of its ports needs any more. None counts as unneeded while
-- the host has unknown things, which may use them and go on as they are, or while the host does not answer, because
-- unknown things cannot be seen then. The few external and shared networks stay, because removing such a network
-- from one host and bringing it back is told to all hosts that have it.
CREATE OR REPLACE FUNCTION stratolith_unneeded(place uuid) RETURNS TABLE (kind text, thing uuid) LANGUAGE sql STABLE AS $$
  SELECT "kind", "thing" FROM "HostDocument" h WHERE "hostId" = place AND "kind" IN ('network', 'router', 'addressSet') AND "wanted"
    AND NOT EXISTS (SELECT FROM "Network" n WHERE n."id" = h."thing" AND (n."external" OR n."shared"))
    AND EXISTS (SELECT FROM "Host" WHERE "id" = place AND "state" = 'up')
    AND NOT EXISTS (SELECT FROM "Stray" WHERE "hostId" = place::text)
  EXCEPT SELECT kind, thing FROM stratolith_needs((SELECT array_agg("id") FROM "Port" WHERE "hostId" = place))
  ORDER BY 1, 2
$$;

-- Withdraws one unneeded document from a host. The function locks the document first and looks afterwards: a
-- transaction that needs the document anew (stratolith_need) has committed by then, or waits and makes the document
-- wanted again. A document that somebody else has locked is left for the next time, so that no two transactions wait
-- for each other.
CREATE OR REPLACE FUNCTION stratolith_withdraw(place uuid, which text, one uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM "HostDocument" WHERE "hostId" = place AND "kind" = which AND "thing" = one FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM FROM "Document" WHERE "kind" = which AND "thing" = one FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN false; END IF;
  IF NOT EXISTS (SELECT FROM stratolith_unneeded(place) u WHERE u.kind = which AND u.thing = one) THEN RETURN false; END IF;
  PERFORM stratolith_unwanted(which, one, place);
  RETURN true;
END $$;

-- Deletes documents that no host has. Callers pass a few at a time, because transactions that need any document
-- wait for this one. A document that another transaction has locked is left for the next time, because that
-- transaction may wait for this one.
CREATE OR REPLACE FUNCTION stratolith_forget(kinds text[], things uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('documents', 0));
  DELETE FROM "Document" d WHERE (d."kind", d."thing") IN (SELECT o."kind", o."thing" FROM "Document" o JOIN unnest(kinds, things) n (k, t)
      ON o."kind" = n.k AND o."thing" = n.t FOR UPDATE OF o SKIP LOCKED)
    AND NOT EXISTS (SELECT FROM "HostDocument" h WHERE h."kind" = d."kind" AND h."thing" = d."thing");
END $$;

-- Two transactions that change the rows of one document do not see each other's rows. So they wait at a lock of the
-- network or group: a transaction that brings a port shares the lock, a transaction that changes what all ports are
-- told has the lock alone, and the second transaction sees what the first has committed. These locks queue fairly,
-- unlike row locks, where launches would pass a waiting transaction for ever. The order of all locks: first those
-- of the transaction itself (quota, hosts, instances, ports), then, at its end, for each changed row the networks by
-- id, the groups by id, the types of volumes by id, then "HostDocument" and "Document". So a transaction that holds one of these locks never
-- waits for a quota. Two transactions that change several rows may wait for each other: PostgreSQL finds such a
-- deadlock, and one transaction is run again (kernel/context.ts).
CREATE OR REPLACE FUNCTION stratolith_share(which text, things uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(which || t, 0)) FROM (SELECT DISTINCT t FROM unnest(things) t WHERE t IS NOT NULL ORDER BY t) o;
END $$;
CREATE OR REPLACE FUNCTION stratolith_alone(which text, things uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(which || t, 0)) FROM (SELECT DISTINCT t FROM unnest(things) t WHERE t IS NOT NULL ORDER BY t) o;
END $$;

-- The bound ports of a group or of a network. The lock keeps others from adding ports until the transaction ends.
CREATE OR REPLACE FUNCTION stratolith_bound_in(one uuid) RETURNS uuid[] LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_alone('group', ARRAY[one]);
  RETURN (SELECT array_agg(p."id") FROM "PortSecurityGroup" m JOIN "Port" p ON p."id" = m."portId"
    WHERE m."groupId" = one AND p."hostId" IS NOT NULL);
END $$;
CREATE OR REPLACE FUNCTION stratolith_bound_on(network uuid) RETURNS uuid[] LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_alone('network', ARRAY[network]);
  RETURN (SELECT array_agg("id") FROM "Port" WHERE "networkId" = network AND "hostId" IS NOT NULL);
END $$;
-- The router has another interface, or another external network: the hosts that have the router need its networks.
CREATE OR REPLACE FUNCTION stratolith_router_led(router uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_alone('network', (
    SELECT array_agg("networkId") FROM "Port" WHERE "deviceId" = router::text AND "deviceOwner" = 'network:router_interface'));
  PERFORM stratolith_changed('router', ARRAY[router]);
  PERFORM stratolith_needed((SELECT array_agg(p."id") FROM (
    SELECT DISTINCT ON (b."hostId", b."networkId") b."id" FROM "Port" i JOIN "Port" b ON b."networkId" = i."networkId"
    WHERE i."deviceId" = router::text AND i."deviceOwner" = 'network:router_interface' AND b."hostId" IS NOT NULL
  ) p));
  -- Hosts that kept the router after their last port had left need its networks, too.
  PERFORM stratolith_need(array_agg(h."hostId"), array_agg('network'::text), array_agg(n.id)) FROM "HostDocument" h, (
    SELECT "networkId" FROM "Port" WHERE "deviceId" = router::text AND "deviceOwner" = 'network:router_interface'
    UNION SELECT "externalNetworkId" FROM "Router" WHERE "id" = router AND "externalNetworkId" IS NOT NULL
  ) n (id) WHERE h."kind" = 'router' AND h."thing" = router AND h."wanted" HAVING count(*) > 0;
END $$;

-- A NIC or a volume of a guest has changed. Counts only when it is of an instance that hosts know.
CREATE OR REPLACE FUNCTION stratolith_guest_changed(device text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_changed('instance', (SELECT array_agg("thing") FROM "Document" WHERE "kind" = 'instance' AND "thing" = device::uuid));
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_volume() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN PERFORM stratolith_share('volumeType', (SELECT ARRAY["typeId"] FROM "Volume" WHERE "id" = NEW."volumeId")); END IF;
  IF TG_OP <> 'INSERT' THEN PERFORM stratolith_guest_changed(OLD."instanceId"::text); END IF;
  IF TG_OP = 'INSERT' THEN PERFORM stratolith_guest_changed(NEW."instanceId"::text); END IF;
  RETURN NULL;
END $$;

-- The limits of a volume's speed follow from its type and its size. A transaction that attaches or changes a volume
-- shares the lock of the type, and a transaction that changes the limits of the type has the lock alone, so that the
-- second transaction sees what the first has committed. Attaching and growing both lock the row of the volume.
CREATE OR REPLACE FUNCTION stratolith_document_of_volume_speed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_share('volumeType', ARRAY[OLD."typeId", NEW."typeId"]);
  PERFORM stratolith_guest_changed("instanceId"::text) FROM "VolumeAttachment" WHERE "volumeId" = NEW."id"
    AND EXISTS (SELECT FROM "VolumeType" WHERE "id" IN (OLD."typeId", NEW."typeId") AND "qosId" IS NOT NULL);
  RETURN NULL;
END $$;

-- A volume that was moved while its guest goes on lies elsewhere at the guest's next start.
CREATE OR REPLACE FUNCTION stratolith_document_of_volume_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_guest_changed("instanceId"::text) FROM "VolumeAttachment" WHERE "volumeId" = NEW."id";
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_volume_type() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE types uuid[];
BEGIN
  IF TG_TABLE_NAME = 'VolumeType' THEN types := ARRAY[NEW."id"];
  ELSE types := (SELECT array_agg("id") FROM "VolumeType" WHERE "qosId" = NEW."id"); END IF;
  PERFORM stratolith_alone('volumeType', types);
  PERFORM stratolith_changed('instance', (SELECT array_agg(d."thing") FROM "Volume" v JOIN "VolumeAttachment" a ON a."volumeId" = v."id"
    JOIN "Document" d ON d."kind" = 'instance' AND d."thing" = a."instanceId" WHERE v."typeId" = ANY (types)));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_port() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'DELETE' AND NEW."hostId" IS NOT NULL THEN
    PERFORM stratolith_share('network', ARRAY[NEW."networkId"]);
    PERFORM stratolith_share('group', (SELECT array_agg("groupId") FROM "PortSecurityGroup" WHERE "portId" = NEW."id"));
  END IF;
  IF TG_OP <> 'INSERT' THEN
    IF OLD."deviceOwner" = 'network:router_interface' THEN PERFORM stratolith_changed('router', ARRAY[OLD."deviceId"::uuid]); END IF;
    IF OLD."hostId" IS NOT NULL THEN PERFORM stratolith_guest_changed(OLD."deviceId"); END IF;
    IF TG_OP = 'DELETE' THEN
      PERFORM stratolith_unwanted('port', OLD."id", NULL);
      RETURN NULL;
    END IF;
    IF NEW."hostId" IS DISTINCT FROM OLD."hostId" AND OLD."hostId" IS NOT NULL THEN
      PERFORM stratolith_unwanted('port', OLD."id", OLD."hostId");
    END IF;
  END IF;
  IF NEW."hostId" IS NOT NULL THEN
    PERFORM stratolith_guest_changed(NEW."deviceId");
    PERFORM stratolith_changed('port', ARRAY[NEW."id"]);
    PERFORM stratolith_needed(ARRAY[NEW."id"]);
  END IF;
  IF NEW."deviceOwner" = 'network:router_interface' THEN PERFORM stratolith_router_led(NEW."deviceId"::uuid); END IF;
  RETURN NULL;
END $$;

-- An address or a group membership of a port has changed. The lock on the port makes a transaction that changes the
-- other of the two wait, so that the second one sees both. A port that was bound in this transaction is skipped
-- below, because its own trigger has already written down its needs, with all of its memberships.
CREATE OR REPLACE FUNCTION stratolith_document_of_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  row record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  port record;
BEGIN
  SELECT "hostId", "deviceOwner", "deviceId" INTO port FROM "Port" WHERE "id" = row."portId" FOR NO KEY UPDATE;
  IF TG_TABLE_NAME = 'PortSecurityGroup' AND TG_OP <> 'DELETE' AND port."hostId" IS NOT NULL THEN
    PERFORM stratolith_share('group', ARRAY[row."groupId"]);
  END IF;
  IF TG_TABLE_NAME = 'PortSecurityGroup' THEN
    PERFORM stratolith_changed('addressSet', ARRAY[row."groupId"]);
  ELSE
    PERFORM stratolith_changed('addressSet', (SELECT array_agg("groupId") FROM "PortSecurityGroup" WHERE "portId" = row."portId"));
  END IF;
  IF port."hostId" IS NOT NULL THEN
    PERFORM stratolith_changed('port', ARRAY[row."portId"]);
    -- The guest's metadata contains the names of the groups.
    IF TG_TABLE_NAME = 'PortSecurityGroup' THEN PERFORM stratolith_guest_changed(port."deviceId"); END IF;
    IF TG_TABLE_NAME = 'PortSecurityGroup' AND TG_OP <> 'DELETE' AND NOT EXISTS (SELECT FROM "HostDocument" d
      WHERE d."hostId" = port."hostId" AND d."kind" = 'port' AND d."thing" = row."portId" AND d."wanted"
        AND d.xmin = pg_current_xact_id()::xid AND d."dueAt" >= now())
    THEN PERFORM stratolith_needed(ARRAY[row."portId"]); END IF;
  END IF;
  IF port."deviceOwner" = 'network:router_interface' THEN PERFORM stratolith_changed('router', ARRAY[port."deviceId"::uuid]); END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_rule() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  row record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  ports uuid[] := stratolith_bound_in(row."groupId");
BEGIN
  PERFORM stratolith_changed('port', ports);
  IF TG_OP <> 'DELETE' AND row."remoteGroupId" IS NOT NULL THEN PERFORM stratolith_needed(ports); END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ports uuid[] := stratolith_bound_in(NEW."id");
BEGIN
  PERFORM stratolith_changed('instance', (SELECT array_agg(d."thing") FROM "Port" p JOIN "Document" d
    ON d."kind" = 'instance' AND d."thing" = p."deviceId"::uuid WHERE p."id" = ANY (ports)));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_network() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ports uuid[] := stratolith_bound_on(NEW."id");
BEGIN
  PERFORM stratolith_changed('network', ARRAY[NEW."id"]);
  PERFORM stratolith_changed('port', ports);
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_subnet() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE network uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD."networkId" ELSE NEW."networkId" END;
BEGIN
  PERFORM stratolith_alone('network', ARRAY[network]) FROM "Network" WHERE "id" = network AND "external";
  PERFORM stratolith_changed('network', ARRAY[network]);
  PERFORM stratolith_changed('router', (SELECT array_agg("id") FROM "Router" WHERE "externalNetworkId" = network));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_router() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_share('network', ARRAY[NEW."externalNetworkId"]);
  PERFORM stratolith_router_led(NEW."id");
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_of_floating_ip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM stratolith_changed('router', ARRAY[OLD."routerId"]); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM stratolith_changed('router', ARRAY[NEW."routerId"]); END IF;
  RETURN NULL;
END $$;

-- An instance is wanted on its host until somebody asks for its deletion; from then on its ports are unwanted, too.
CREATE OR REPLACE FUNCTION stratolith_document_of_instance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before uuid;
  after uuid;
  one uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD."id" ELSE NEW."id" END;
  ports uuid[];
BEGIN
  -- Nobody has asked for the deletion of the instance, so the missing row alone is no reason to remove its disk. The
    -- tombstone is a reason, by the rules for deletions (apps/api/src/hosts/keeping.ts), which stop when it is many at once.
  IF TG_OP = 'DELETE' AND OLD."taskState" IS DISTINCT FROM 'deleting' THEN
    DELETE FROM "HostDocument" WHERE "kind" = 'instance' AND "thing" = OLD."id";
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN before := OLD."hostId"; END IF;
  IF TG_OP <> 'DELETE' AND NEW."taskState" IS DISTINCT FROM 'deleting' THEN after := NEW."hostId"; END IF;
  IF before IS NOT NULL THEN
    ports := (SELECT array_agg("id" ORDER BY "id") FROM "Port" WHERE "deviceId" = one::text AND "hostId" = before);
  END IF;
  IF before IS DISTINCT FROM after THEN
    -- An older version may have placed the instance on the host that it leaves without writing a row.
    IF before IS NOT NULL AND TG_OP = 'UPDATE' AND NOT EXISTS (SELECT FROM "HostDocument" WHERE "hostId" = before AND "kind" = 'instance' AND "thing" = one)
    THEN PERFORM stratolith_need(ARRAY[before], ARRAY['instance'], ARRAY[one]); END IF;
    PERFORM stratolith_unwanted('instance', one, before) WHERE before IS NOT NULL;
    PERFORM stratolith_unwanted('port', port, before) FROM unnest(ports) port WHERE after IS NULL;
  END IF;
  IF after IS NOT NULL THEN
    PERFORM stratolith_changed('instance', ARRAY[one]);
    PERFORM stratolith_need(ARRAY[after], ARRAY['instance'], ARRAY[one]);
    IF TG_OP = 'UPDATE' THEN
      -- Unbound ports count, too, because another transaction may be binding one: that one waits here, or its port is seen.
      IF NEW."hostname" IS DISTINCT FROM OLD."hostname" THEN
        PERFORM stratolith_changed('port', (SELECT array_agg("id") FROM "Port" WHERE "deviceId" = one::text));
      END IF;
      IF OLD."taskState" IS NOT DISTINCT FROM 'deleting' THEN PERFORM stratolith_needed(ports); END IF;
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION stratolith_document_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_unwanted(TG_ARGV[0], OLD."id", NULL);
  RETURN NULL;
END $$;

-- A constraint trigger cannot be replaced: a trigger whose condition changes gets a new name, and the old one is dropped.
DO $$
DECLARE t record;
BEGIN
  FOR t IN SELECT tgname, tgrelid::regclass AS name FROM pg_trigger WHERE tgname IN ('document_of_instance_change') LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.name);
  END LOOP;
  FOR t IN SELECT * FROM (VALUES
    ('Port', 'document_of_port', 'INSERT OR DELETE', '', 'stratolith_document_of_port()'),
    ('Port', 'document_of_port_change', 'UPDATE', 'WHEN ((OLD."mac", OLD."adminUp", OLD."hostId", OLD."portSecurity", OLD."deviceId", OLD."deviceOwner")
      IS DISTINCT FROM (NEW."mac", NEW."adminUp", NEW."hostId", NEW."portSecurity", NEW."deviceId", NEW."deviceOwner"))', 'stratolith_document_of_port()'),
    ('PortAddress', 'document_of_address', 'INSERT OR UPDATE OR DELETE', '', 'stratolith_document_of_part()'),
    ('PortSecurityGroup', 'document_of_membership', 'INSERT OR DELETE', '', 'stratolith_document_of_part()'),
    ('SecurityGroupRule', 'document_of_rule', 'INSERT OR UPDATE OR DELETE', '', 'stratolith_document_of_rule()'),
    ('SecurityGroup', 'document_of_group', 'UPDATE', 'WHEN (OLD."name" IS DISTINCT FROM NEW."name")', 'stratolith_document_of_group()'),
    ('Network', 'document_of_network', 'UPDATE', 'WHEN ((OLD."mtu", OLD."external", OLD."adminUp") IS DISTINCT FROM (NEW."mtu", NEW."external", NEW."adminUp"))', 'stratolith_document_of_network()'),
    ('Subnet', 'document_of_subnet', 'INSERT OR DELETE', '', 'stratolith_document_of_subnet()'),
    ('Subnet', 'document_of_subnet_change', 'UPDATE', 'WHEN ((OLD."gatewayIp", OLD."dhcp", OLD."dhcpIp", OLD."dns", OLD."cidr") IS DISTINCT FROM (NEW."gatewayIp", NEW."dhcp", NEW."dhcpIp", NEW."dns", NEW."cidr"))', 'stratolith_document_of_subnet()'),
    ('Router', 'document_of_router', 'UPDATE', 'WHEN ((OLD."adminUp", OLD."externalNetworkId", OLD."externalAddress") IS DISTINCT FROM (NEW."adminUp", NEW."externalNetworkId", NEW."externalAddress"))', 'stratolith_document_of_router()'),
    ('FloatingIp', 'document_of_floating_ip', 'INSERT OR DELETE', '', 'stratolith_document_of_floating_ip()'),
    ('FloatingIp', 'document_of_floating_ip_change', 'UPDATE', 'WHEN ((OLD."routerId", OLD."fixedAddress", OLD."address") IS DISTINCT FROM (NEW."routerId", NEW."fixedAddress", NEW."address"))', 'stratolith_document_of_floating_ip()'),
    ('Instance', 'document_of_instance', 'INSERT OR DELETE', '', 'stratolith_document_of_instance()'),
    -- A power-on counts, too, because the host powers a guest on once per generation. A failed power-on counts as well:
        -- a document that arrives late is older from then on and powers nothing on.
    ('Instance', 'document_of_instance_update', 'UPDATE', 'WHEN ((OLD."hostId", OLD."taskState" IS NOT DISTINCT FROM ''deleting'', OLD."name", OLD."hostname", OLD."metadata",
      OLD."vcpus", OLD."memoryMib", OLD."flavorName", OLD."zone", OLD."keyName", OLD."publicKey", OLD."userData")
      IS DISTINCT FROM (NEW."hostId", NEW."taskState" IS NOT DISTINCT FROM ''deleting'', NEW."name", NEW."hostname", NEW."metadata",
      NEW."vcpus", NEW."memoryMib", NEW."flavorName", NEW."zone", NEW."keyName", NEW."publicKey", NEW."userData")
      OR (OLD."vmState" = ''building'' AND NEW."vmState" NOT IN (''building'', ''active''))
      OR (NEW."taskState" IS DISTINCT FROM OLD."taskState" AND (NEW."taskState" IN (''powering-on'', ''rebooting'', ''rebooting_hard'')
        OR (OLD."taskState" IN (''powering-on'', ''rebooting'', ''rebooting_hard'') AND NEW."vmState" <> ''active''))))', 'stratolith_document_of_instance()'),
    ('VolumeAttachment', 'document_of_volume', 'INSERT OR DELETE', '', 'stratolith_document_of_volume()'),
    ('VolumeAttachment', 'document_of_volume_change', 'UPDATE', 'WHEN (OLD."hostId" IS DISTINCT FROM NEW."hostId")', 'stratolith_document_of_volume()'),
    ('Volume', 'document_of_volume_speed', 'UPDATE', 'WHEN ((OLD."sizeGib", OLD."typeId") IS DISTINCT FROM (NEW."sizeGib", NEW."typeId"))', 'stratolith_document_of_volume_speed()'),
    ('Volume', 'document_of_volume_place', 'UPDATE', 'WHEN (OLD."poolId" IS DISTINCT FROM NEW."poolId")', 'stratolith_document_of_volume_place()'),
    ('VolumeType', 'document_of_volume_type', 'UPDATE', 'WHEN (OLD."qosId" IS DISTINCT FROM NEW."qosId")', 'stratolith_document_of_volume_type()'),
    ('VolumeQos', 'document_of_volume_qos', 'UPDATE', 'WHEN ((OLD."consumer", OLD."specs") IS DISTINCT FROM (NEW."consumer", NEW."specs"))', 'stratolith_document_of_volume_type()'),
    ('Network', 'document_gone', 'DELETE', '', 'stratolith_document_gone(''network'')'),
    ('Router', 'document_gone', 'DELETE', '', 'stratolith_document_gone(''router'')'),
    ('SecurityGroup', 'document_gone', 'DELETE', '', 'stratolith_document_gone(''addressSet'')')
  ) AS list (name, trigger, event, condition, call) LOOP
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = format('%I', t.name)::regclass AND tgname = t.trigger) THEN
      EXECUTE format('CREATE CONSTRAINT TRIGGER %I AFTER %s ON %I DEFERRABLE INITIALLY DEFERRED FOR EACH ROW %s EXECUTE FUNCTION %s',
        t.trigger, t.event, t.name, t.condition, t.call);
    END IF;
  END LOOP;
END $$;

-- Fills the documents after an upgrade from a version without documents: the things that hosts have, and the things
-- that are being deleted. Works in small batches beside running requests, which wait only for the rows of one batch.
-- An interrupted run goes on where it ended.
CREATE OR REPLACE PROCEDURE stratolith_fill_documents() LANGUAGE plpgsql AS $$
DECLARE
  batch uuid[];
  after uuid;
  one record;
BEGIN
  LOOP
    batch := (SELECT array_agg("id" ORDER BY "id") FROM (SELECT p."id" FROM "Port" p JOIN "Host" o ON o."id" = p."hostId"
      WHERE (after IS NULL OR p."id" > after)
      AND NOT EXISTS (SELECT FROM "HostDocument" d WHERE d."hostId" = p."hostId" AND d."kind" = 'port' AND d."thing" = p."id")
      AND NOT EXISTS (SELECT FROM "Instance" i WHERE i."id"::text = p."deviceId" AND i."taskState" = 'deleting')
      ORDER BY p."id" LIMIT 500 FOR SHARE OF p) bound);
    EXIT WHEN batch IS NULL;
    PERFORM stratolith_needed(batch);
    after := batch[cardinality(batch)];
    COMMIT;
  END LOOP;
  LOOP
    batch := NULL;
    FOR one IN SELECT i."id", i."hostId", i."taskState" = 'deleting' AS leaves FROM "Instance" i JOIN "Host" o ON o."id" = i."hostId"
      WHERE NOT EXISTS (SELECT FROM "HostDocument" d WHERE d."hostId" = i."hostId" AND d."kind" = 'instance' AND d."thing" = i."id")
      ORDER BY i."id" LIMIT 500 FOR SHARE OF i
    LOOP
      batch := batch || one."id";
      PERFORM stratolith_need(ARRAY[one."hostId"], ARRAY['instance'], ARRAY[one."id"]);
      CONTINUE WHEN one.leaves IS NOT TRUE;
      PERFORM stratolith_unwanted('instance', one."id", one."hostId");
      PERFORM stratolith_need(ARRAY["hostId"], ARRAY['port'], ARRAY["id"]), stratolith_unwanted('port', "id", "hostId")
        FROM "Port" WHERE "deviceId" = one."id"::text AND "hostId" = one."hostId";
    END LOOP;
    EXIT WHEN batch IS NULL;
    COMMIT;
  END LOOP;
END $$;

-- Held: nobody gets a freed address until the host has confirmed that it let go of the address, or until the machine
-- is declared fenced. These triggers run after the triggers of documents (triggers run in the order of their names),
-- which count the generation to wait for. `whose` NULL: the project of the port, from its row or its tombstone.
CREATE OR REPLACE FUNCTION stratolith_hold(which text, one uuid, subnet uuid, ip text, whose text, counted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "HeldAddress" ("hostId", "kind", "thing", "subnetId", "address", "until", "quota", "projectId")
  SELECT h."hostId", which, one, subnet, ip, d."generation", counted, coalesce(whose, (SELECT "projectId" FROM "Port" WHERE "id" = one),
    (SELECT "projectId" FROM "Tombstone" WHERE "kind" = 'port' AND "id" = one::text AND "hostId" = ''), '')
  FROM "HostDocument" h
  JOIN "Document" d ON d."kind" = h."kind" AND d."thing" = h."thing"
  JOIN "Host" o ON o."id" = h."hostId" AND o."state" <> 'fenced'
  WHERE h."kind" = which AND h."thing" = one AND h."confirmed" < d."generation"
  ORDER BY 1 FOR KEY SHARE OF h
  ON CONFLICT ("hostId", "kind", "thing", "subnetId", "address") DO UPDATE SET "until" = EXCLUDED."until";
END $$;

-- The address of a port, when the port is deleted or loses the address.
CREATE OR REPLACE FUNCTION stratolith_hold_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM stratolith_hold('port', OLD."portId", OLD."subnetId", OLD."address", NULL, 'ports');
  RETURN NULL;
END $$;

-- External addresses that a router has answered to: a floating IP, or the router's own address.
CREATE OR REPLACE FUNCTION stratolith_hold_outside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'FloatingIp' THEN
    PERFORM stratolith_hold('router', OLD."routerId", s."id", OLD."address", OLD."projectId", 'floatingIps') FROM "Subnet" s
    WHERE s."networkId" = OLD."networkId" AND OLD."address"::inet <<= s."cidr"::inet;
  ELSE
    PERFORM stratolith_hold('router', OLD."id", s."id", OLD."externalAddress", OLD."projectId", 'routers') FROM "Subnet" s
    WHERE s."networkId" = OLD."externalNetworkId" AND OLD."externalAddress"::inet <<= s."cidr"::inet;
  END IF;
  RETURN NULL;
END $$;

DROP FUNCTION IF EXISTS stratolith_hold(text, uuid, uuid, text);

DO $$
DECLARE t record;
BEGIN
  FOR t IN SELECT * FROM (VALUES
    ('PortAddress', 'hold_address', 'DELETE', 'true', 'stratolith_hold_address()'),
    ('FloatingIp', 'hold_floating_ip', 'DELETE', 'OLD."routerId" IS NOT NULL', 'stratolith_hold_outside()'),
    ('FloatingIp', 'hold_floating_ip_change', 'UPDATE', 'OLD."routerId" IS NOT NULL AND OLD."routerId" IS DISTINCT FROM NEW."routerId"', 'stratolith_hold_outside()'),
    ('Router', 'hold_router', 'DELETE', 'OLD."externalAddress" IS NOT NULL', 'stratolith_hold_outside()'),
    ('Router', 'hold_router_change', 'UPDATE', 'OLD."externalAddress" IS NOT NULL AND OLD."externalAddress" IS DISTINCT FROM NEW."externalAddress"', 'stratolith_hold_outside()')
  ) AS list (name, trigger, event, condition, call) LOOP
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = format('%I', t.name)::regclass AND tgname = t.trigger) THEN
      EXECUTE format('CREATE CONSTRAINT TRIGGER %I AFTER %s ON %I DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (%s) EXECUTE FUNCTION %s',
        t.trigger, t.event, t.name, t.condition, t.call);
    END IF;
  END LOOP;
END $$;

-- The host has confirmed a newer generation.
CREATE OR REPLACE FUNCTION stratolith_let_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "HeldAddress" WHERE "hostId" = NEW."hostId" AND "kind" = NEW."kind" AND "thing" = NEW."thing" AND "until" <= NEW."confirmed";
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER let_go AFTER UPDATE OF "confirmed" ON "HostDocument" FOR EACH ROW
  WHEN (NEW."kind" IN ('port', 'router') AND NEW."confirmed" > OLD."confirmed") EXECUTE FUNCTION stratolith_let_go();

-- An instance that comes back to the host has claimed its room anew.
CREATE OR REPLACE FUNCTION stratolith_room_wanted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "HeldRoom" WHERE "hostId" = NEW."hostId" AND "kind" = NEW."kind" AND "thing" = NEW."thing";
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER room_wanted AFTER UPDATE OF "wanted" ON "HostDocument" FOR EACH ROW
  WHEN (NEW."kind" = 'instance' AND NEW."wanted" AND NOT OLD."wanted") EXECUTE FUNCTION stratolith_room_wanted();

-- When a row of held room is deleted, whatever the reason, the room is free, and the event refreshes the host's page.
CREATE OR REPLACE FUNCTION stratolith_free_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH freed AS (
    UPDATE "Host" h SET "vcpusUsed" = greatest(h."vcpusUsed" - g.v, 0), "memoryMibUsed" = greatest(h."memoryMibUsed" - g.m, 0),
      "diskGibUsed" = greatest(h."diskGibUsed" - g.d, 0)
    FROM (SELECT "hostId", sum("vcpus")::int AS v, sum("memoryMib")::int AS m, sum("diskGib")::int AS d FROM gone GROUP BY "hostId") g
    WHERE h."id" = g."hostId" RETURNING h."id"
  )
  INSERT INTO "Event" ("kind", "resourceKind", "resourceId", "actorId") SELECT 'host.room', 'host', "id"::text, 'system' FROM freed;
  IF FOUND THEN PERFORM pg_notify('stratolith_events', ''); END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER free_room AFTER DELETE ON "HeldRoom" REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION stratolith_free_room();

-- Returns the epoch of the event log in this life of this PostgreSQL. Begins an epoch when the last one belongs to
-- another life, which shows in one of four signs:
-- * another system identifier: a dump or a replica on another server, or pg_upgrade;
-- * another timeline: a physical copy or a standby that was promoted, perhaps to an earlier moment;
-- * the row was written by another transaction than it says: the row comes from a dump that was restored here;
-- * events of transactions that have not begun yet: only the rows come from elsewhere.
-- Every appending transaction has ended before an epoch begins, so the events of older epochs are settled.
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
