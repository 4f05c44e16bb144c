import { Prisma } from '@stratolith/db'
import type { Guests, Need } from '../hosts/service.ts'
import { type Ctx, visible } from '../kernel/context.ts'

/** What the hosts room must know of instances, whose table belongs to this room. */
export const instancesOnHosts: Guests = {
  async counts(ctx, hostIds) {
    const rows = await ctx.db.$queryRaw<
      { hostId: string; rows: number; there: number; running: number; busy: number }[]
    >`
      SELECT "hostId", count(*)::int AS "rows", count(*) FILTER (WHERE "vmState" <> 'deleted')::int AS "there",
        count(*) FILTER (WHERE "powerState" = 1)::int AS "running",
        count(*) FILTER (WHERE "taskState" IS NOT NULL)::int AS "busy"
      FROM "Instance" WHERE "hostId" = ANY(${[...hostIds]}::uuid[]) GROUP BY "hostId"`
    return new Map(rows.map(({ hostId, ...counts }) => [hostId, counts]))
  },
  on: (ctx, hostIds) =>
    ctx.db.instance.findMany({
      where: { hostId: { in: [...hostIds] } },
      select: { id: true, name: true, hostId: true },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    }),
  async projectsOn(ctx, hostId) {
    const rows = await ctx.db.$queryRaw<{ projectId: string }[]>`
      SELECT DISTINCT "projectId" FROM "Instance" WHERE "hostId" = ${hostId}::uuid ORDER BY 1`
    return rows.map((row) => row.projectId)
  },
  placed: Prisma.sql`SELECT "hostId" FROM "Instance" WHERE "vmState" <> 'deleted'`,
}

/** The room that the ephemeral and swap disks of a flavor take, in GiB; the room is taken whole, whatever part of it a launch asks for. */
export const localGibOf = ({ ephemeralGib, swapMib }: { ephemeralGib: number; swapMib: number }): number =>
  ephemeralGib + Math.ceil(swapMib / 1024)

/** What an instance takes of the room of its host. A volume that is its root disk takes room of its own. */
export const roomOf = <I extends Need & { rootOnVolume: boolean; ephemeralGib: number; swapMib: number }>(
  instance: I,
): I => ({
  ...instance,
  diskGib: (instance.rootOnVolume ? 0 : instance.diskGib) + localGibOf(instance),
})

export const roomOfInstances = Prisma.sql`
  SELECT "hostId", "vcpus", "memoryMib", CASE WHEN "rootOnVolume" THEN 0 ELSE "diskGib" END
    + "ephemeralGib" + ceil("swapMib" / 1024.0)::int AS "diskGib" FROM "Instance" WHERE "vmState" <> 'deleted'`

/** The host name of an instance for DHCP and DNS, as SQL. */
export const hostnameSql = (id: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`SELECT i."hostname" FROM "Instance" i WHERE i."id" = ${id}`

/** The names of those of the instances that the caller may see, for lists of ports and of floating IPs. */
export async function instanceNames(ctx: Ctx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await ctx.db.instance.findMany({
    where: { ...visible(ctx), id: { in: [...ids] } },
    select: { id: true, name: true },
  })
  return new Map(rows.map((row) => [row.id, row.name]))
}
