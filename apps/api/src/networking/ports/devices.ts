import { type Ctx, visible } from '../../kernel/context.ts'
import type { PortDevice } from '../contract.ts'

/** Finds the names of the instances that the caller may see, by ID. One query. */
type InstanceNames = (ctx: Ctx, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>
let known: InstanceNames | undefined
/** Instances belong to the room compute, which registers here how their names are found. */
export function defineInstanceNames(names: InstanceNames): void {
  known = names
}

type Owned = { deviceOwner: string; deviceId: string }

/**
 * Returns a function that says what a port of this page is attached to. At most one query for instances and one for
 * routers, however many ports the page has.
 */
export async function devicesOf(
  ctx: Ctx,
  ports: readonly Owned[],
): Promise<(port: Owned) => PortDevice | null> {
  const idsOf = (kind: PortDevice['kind']) => [
    ...new Set(ports.filter((port) => kindOf(port) === kind).map((port) => port.deviceId)),
  ]
  const [instances, routers] = await Promise.all([
    namesOfInstances(ctx, idsOf('instance')),
    namesOfRouters(ctx, idsOf('router')),
  ])
  return (port) => {
    const kind = kindOf(port)
    if (kind === null) return null
    const names = kind === 'instance' ? instances : routers
    return { kind, id: port.deviceId, name: names.get(port.deviceId) ?? null }
  }
}

/** Only instances and routers set owners of these forms (refuseOwner in change.ts), so the ID is one of theirs. */
function kindOf({ deviceOwner, deviceId }: Owned): PortDevice['kind'] | null {
  if (deviceOwner === '' || deviceId === '') return null
  if (deviceOwner.startsWith('compute:')) return 'instance'
  if (deviceOwner.startsWith('network:router_')) return 'router'
  return deviceOwner === 'network:floatingip' ? 'floatingIp' : 'other'
}

const namesOfInstances: InstanceNames = async (ctx, ids) =>
  ids.length === 0 || !known ? new Map() : known(ctx, ids)

const namesOfRouters: InstanceNames = async (ctx, ids) => {
  if (ids.length === 0) return new Map()
  const rows = await ctx.db.router.findMany({
    where: { ...visible(ctx), id: { in: [...ids] } },
    select: { id: true, name: true },
  })
  return new Map(rows.map((row) => [row.id, row.name]))
}
