import type pg from 'pg'
import type { Facts } from './format.ts'

/** What a backup must hold beside the database, read in the database's own snapshot. */
export async function readFactsOf(client: pg.Client, cloud: string): Promise<Facts> {
  const rows = async <T extends pg.QueryResultRow>(sql: string) => (await client.query<T>(sql)).rows
  const [now] = await rows<{ at: Date }>('SELECT now() AS "at"')
  const [known] = await rows<{ cloud: string | null }>(
    `SELECT to_regclass('public."Cloud"')::text AS "cloud"`,
  )
  const [own] = known?.cloud ? await rows<{ id: string }>('SELECT "id" FROM "Cloud"') : []
  return {
    cloudId: own?.id ?? null,
    at: (now?.at ?? new Date()).toISOString(),
    cloud,
    hosts: await rows('SELECT "id", "name", "endpoint" FROM "Host" ORDER BY "name"'),
    instances: await rows(
      // Databases of older versions have no column of ephemeral and swap disks.
      `SELECT "id", "name", "hostId", "vmState", "diskGib", coalesce(to_jsonb(i) -> 'localDisks', '[]') AS "localDisks"
       FROM "Instance" i WHERE "hostId" IS NOT NULL AND "vmState" <> 'deleted'
       ORDER BY "createdAt", "id"`,
    ),
    blobs: (
      await rows<{ id: string; format: 'raw' | 'qcow2'; bytes: string; imageName: string }>(
        `SELECT DISTINCT ON ("blobId") "blobId" AS "id", "diskFormat" AS "format", "virtualBytes"::text AS "bytes", "name" AS "imageName"
         FROM "Image" WHERE "blobId" IS NOT NULL AND "diskFormat" IN ('raw', 'qcow2') AND "virtualBytes" IS NOT NULL
         AND "state" NOT IN ('deleted', 'killed') ORDER BY "blobId", "createdAt"`,
      )
    ).map(({ bytes, ...blob }) => ({ ...blob, virtualBytes: Number(bytes) })),
  }
}
