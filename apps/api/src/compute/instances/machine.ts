import { type Absence, absenceOf, standingsOf } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { InstanceRow } from './instance-row.ts'

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
  const machines = new Map(
    (await standingsOf(ctx, ids)).map(({ id, name, standing, lastSeenAt }): [string, Machine] => [
      id,
      { name, absence: absenceOf(standing), since: lastSeenAt },
    ]),
  )
  return (row) => (row.hostId === null ? null : (machines.get(row.hostId) ?? null))
}

/** As `instanceCan` asks for it. */
export async function machineOf(ctx: Ctx, row: OnHost): Promise<{ absence: Absence } | null> {
  const absence = (await machinesOf(ctx, [row]))(row)?.absence
  return absence ? { absence } : null
}
