import { Prisma } from '@stratolith/db'
import type { DocumentKind } from '@stratolith/drivers/documents/interface'
import { type DocumentRoom, errorOf, type Said, type ThingName } from '../hosts/service.ts'
import type { Ctx } from '../kernel/context.ts'
import { toCloudError } from '../kernel/errors.ts'
import { type PortState, setPortStates, settleRouted } from './ports/outcomes.ts'
import { addressSetSpecs, networkSpec, portSpecs, routerSpecs } from './specs.ts'

/**
 * Each of these rooms of documents renders what hosts are told of one kind (networks, routers, members of groups,
 * ports), and takes note of the hosts' answers.
 */
const networkDocuments: DocumentRoom<'network'> = {
  kind: 'network',
  async render(ctx, ids) {
    const rows = await ctx.db.network.findMany({
      where: { id: { in: [...ids] } },
      include: { subnets: true },
    })
    return new Map(rows.map((row) => [row.id, networkSpec(row)]))
  },
  names: (ctx, ids) => named(ctx.db.network.findMany({ where: { id: { in: [...ids] } }, select })),
  isFree: async (ctx, id, { tag }) => (await ctx.db.network.count({ where: { tag, id: { not: id } } })) === 0,
}

const portDocuments: DocumentRoom<'port'> = {
  kind: 'port',
  render: portSpecs,
  names: portNames,
  told: notePorts,
  lock: (said) => Prisma.sql`
    SELECT p."id" FROM "Port" p JOIN ${said} ON r."kind" = 'port' AND p."id" = r."thing" ORDER BY p."id" FOR NO KEY UPDATE OF p`,
  async isFree(ctx, id, { tag, addresses }) {
    const taken = await Promise.all([
      ctx.db.port.count({ where: { OR: [{ tag }, { id }] } }),
      ...addresses.map(({ subnetId, ip }) => ctx.db.portAddress.count({ where: { subnetId, address: ip } })),
    ])
    return taken.every((count) => count === 0)
  },
}

export const networkingDocuments: DocumentRoom[] = [
  networkDocuments,
  {
    kind: 'addressSet',
    render: addressSetSpecs,
    names: (ctx, ids) => named(ctx.db.securityGroup.findMany({ where: { id: { in: [...ids] } }, select })),
  },
  {
    kind: 'router',
    render: routerSpecs,
    names: (ctx, ids) => named(ctx.db.router.findMany({ where: { id: { in: [...ids] } }, select })),
    told: (tx, said) =>
      settleRouted(
        tx,
        said.flatMap(({ receipt }) => (receipt.outcome === 'reached' ? receipt.id : [])),
      ),
  },
  portDocuments,
]

const select = { id: true, name: true, projectId: true }
type Named = { id: string; name: string; projectId: string }
const named = async (rows: Promise<Named[]>) => new Map((await rows).map(({ id, ...name }) => [id, name]))

/** A port without a name is called by its address. */
async function portNames(ctx: Ctx, ids: readonly string[]): Promise<Map<string, ThingName>> {
  const rows = await ctx.db.port.findMany({
    where: { id: { in: [...ids] } },
    select: {
      ...select,
      ...{ mac: true, deviceId: true, deviceOwner: true },
      addresses: { select: { address: true }, orderBy: { address: 'asc' }, take: 1 },
    },
  })
  return new Map(
    rows.map((row) => [
      row.id,
      {
        name: row.name || (row.addresses[0]?.address ?? row.mac),
        projectId: row.projectId,
        ...(row.deviceOwner === 'compute:nova' ? { instanceId: row.deviceId } : {}),
      },
    ]),
  )
}

/**
 * A port becomes active when its host has it, and gets the state error with the reason when its host can never carry it
 * out as it is.
 */
async function notePorts(tx: Ctx, said: readonly Said[]): Promise<void> {
  const states = said.flatMap(({ hostId, receipt }): PortState[] => {
    const port = { id: receipt.id, on: hostId }
    if (receipt.outcome === 'reached' && receipt.port)
      return [{ ...port, state: 'active', errorMessage: null }]
    const failure = receipt.outcome === 'failed' ? toCloudError(errorOf(receipt)) : null
    return failure && !failure.retryable ? [{ ...port, state: 'error', errorMessage: failure.message }] : []
  })
  await setPortStates(tx, states)
}

/**
 * The documents that a host needs for the network of an instance: the instance's ports, their networks, the routers of
 * these networks, the other networks of these routers, and the groups that the ports' rules name. One query.
 */
export function documentsOfInstance(
  ctx: Ctx,
  instanceId: string,
): Promise<{ kind: DocumentKind; thing: string }[]> {
  return ctx.db.$queryRaw`
    WITH its AS (SELECT "id", "networkId" FROM "Port"
      WHERE "deviceId" = ${instanceId} AND "deviceOwner" = 'compute:nova'
    ), led AS (SELECT DISTINCT i."deviceId" AS "router" FROM its
      JOIN "Port" i ON i."networkId" = its."networkId" AND i."deviceOwner" = 'network:router_interface')
    SELECT 'port' AS "kind", "id"::text AS "thing" FROM its
    UNION SELECT 'network', "networkId"::text FROM its
    UNION SELECT 'router', "router" FROM led
    UNION SELECT 'network', i."networkId"::text FROM led
      JOIN "Port" i ON i."deviceId" = led."router" AND i."deviceOwner" = 'network:router_interface'
    UNION SELECT 'network', r."externalNetworkId"::text FROM led
      JOIN "Router" r ON r."id" = led."router"::uuid AND r."externalNetworkId" IS NOT NULL
    UNION SELECT 'addressSet', r."remoteGroupId"::text FROM its
      JOIN "PortSecurityGroup" m ON m."portId" = its."id" JOIN "SecurityGroupRule" r ON r."groupId" = m."groupId"
      WHERE r."remoteGroupId" IS NOT NULL`
}
