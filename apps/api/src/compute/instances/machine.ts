import { type Absence, absenceOf, standingsOf } from '../../hosts/service.ts'
import type { Ctx } from '../../kernel/context.ts'
import type { InstanceRow } from './instance-row.ts'

/** The machine that an instance is on. Its name is only for administrators. */
export type Machine = { name: string; absence: Absence | null; since: Date | null }
type OnHost = Pick<InstanceRow, 'hostId'>

/**
 * Returns the machines of these instances; null for an instance that is on none. Costs one query, and none when no
 * instance is on a machine.
 */
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

/** Returns the machine of an instance in the form that `instanceCan` needs. */
export async function machineOf(ctx: Ctx, row: OnHost): Promise<{ absence: Absence } | null> {
  const absence = (await machinesOf(ctx, [row]))(row)?.absence
  return absence ? { absence } : null
}
