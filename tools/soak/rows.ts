import type { Client } from 'pg'

/** "kind id" for all rows that must not outlive an instance; counters with their value. */
export async function rowsOf(db: Client): Promise<string[]> {
  const { rows } = await db.query<{ line: string }>(`
    SELECT 'instance ' || "id" AS line FROM "Instance"
    UNION ALL SELECT 'volume ' || "id" FROM "Volume"
    UNION ALL SELECT 'snapshot ' || "id" FROM "VolumeSnapshot"
    UNION ALL SELECT 'attachment of volume ' || "volumeId" FROM "VolumeAttachment"
    UNION ALL SELECT 'port ' || "id" FROM "Port" WHERE "deviceOwner" = 'compute:nova'
    UNION ALL SELECT 'address ' || "address" || ' of port ' || "portId" FROM "PortAddress"
    UNION ALL SELECT 'held address ' || "address" FROM "HeldAddress"
    UNION ALL SELECT 'held room of ' || "thing" FROM "HeldRoom"
    UNION ALL SELECT 'floating IP ' || "address" FROM "FloatingIp"
    UNION ALL SELECT 'console token of ' || "instanceId" FROM "ConsoleToken"
    UNION ALL SELECT 'unfinished ' || "action" || ' ' || "id" FROM "Operation" WHERE "state" NOT IN ('succeeded', 'failed')
    UNION ALL SELECT 'job ' || "id" FROM graphile_worker._private_jobs
    UNION ALL SELECT 'project ' || "projectId" || ' uses ' || "used" || ' ' || "resource" FROM "QuotaUsage" WHERE "used" > 0
    UNION ALL SELECT 'host ' || "name" || ' has given out ' || "vcpusUsed" || ' vCPUs, ' || "memoryMibUsed" || ' MiB, ' || "diskGibUsed" || ' GiB' FROM "Host"
    ORDER BY 1`)
  return rows.map((row) => row.line)
}
