import { type Absence, absenceOf, standingOf } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { InstanceRow } from './load.ts'

/** What is known of the machine that an instance is on. Its name is for administrators. */
export type Machine = { name: string; absence: Absence | null; since: Date | null }
type OnHost = Pick<InstanceRow, 'hostId'>

/** Machines of these instances; null for one that is on none. One query, none when they are on none. */
export async function machinesOf(
  ctx: Ctx,
  rows: readonly OnHost[],
): Promise<(row: OnHost) => Machine | null> {
  const ids = [...new Set(rows.flatMap((row) => row.hostId ?? []))]
  if (ids.length === 0) return () => null
  const hosts = await ctx.db.$queryRaw<
    { id: string; name: string; state: string; missed: number | null; lastSeenAt: Date | null }[]
  >`
    SELECT h."id"::text AS "id", h."name", h."state", b."missed", b."lastSeenAt"
    FROM "Host" h LEFT JOIN "HostBeat" b ON b."hostId" = h."id" WHERE h."id" = ANY(${ids}::uuid[])`
  const machines = new Map(
    hosts.map(({ id, name, state, missed, lastSeenAt }): [string, Machine] => {
      const standing = standingOf({ state, beat: missed === null ? null : { missed } })
      return [id, { name, absence: absenceOf(standing), since: lastSeenAt }]
    }),
  )
  return (row) => (row.hostId === null ? null : (machines.get(row.hostId) ?? null))
}

/** As `instanceCan` asks for it. */
export async function machineOf(ctx: Ctx, row: OnHost): Promise<{ absence: Absence } | null> {
  const absence = (await machinesOf(ctx, [row]))(row)?.absence
  return absence ? { absence } : null
}
