import { type PortModel, Prisma } from '@stratolith/db'
import type { Ctx } from '../../kernel/context.ts'
import { conflict, invariant } from '../../kernel/errors.ts'
import { actorOf, appendEvent, insertEvents } from '../../kernel/events.ts'
import { releaseQuota, reserveQuota } from '../../quota/service.ts'
import { holdNetwork, type PortNetwork } from '../networks/load.ts'
import { allocateAddresses, macCandidates, type PoolSubnet } from './allocate.ts'
import { type FixedWish, giveFixed } from './fixed.ts'
import { refuseLeftBehind, type Wanting } from './left-behind.ts'

export type NewPort = {
  projectId: string
  /**
   * The project for which the cloud makes a port of its own (such as a gateway), and the quota that counts the thing.
   */
  for?: Wanting
  network: PortNetwork
  deviceOwner: string
  deviceId: string
  /** The host to which the port is bound from the beginning. */
  hostId?: string | null
  name?: string
  securityGroupIds?: readonly string[]
  /** The wanted addresses; when left out, one of the first subnet's pool. */
  fixed?: readonly FixedWish[]
  mac?: string
  description?: string
  adminUp?: boolean
  portSecurity?: boolean
  tags?: string[]
}
export type PortWithAddress = PortModel & { address: string | null }

/**
 * Makes a port with its address and groups. A `projectId` of '' means a port of the cloud itself (a gateway), which has
 * no quota.
 */
export async function createPortRow(ctx: Ctx, wish: NewPort): Promise<PortWithAddress> {
  await holdNetwork(ctx, wish.network)
  // The quota comes first: a concurrent transaction of the project waits at the quota, and then sees what this one
  // leaves behind.
  if (wish.projectId) await reserveQuota(ctx, wish.projectId, { ports: 1 })
  const wanting: Wanting = wish.for ?? { projectId: wish.projectId, quota: 'ports' }
  await refuseLeftBehind(ctx, wish.network, wanting)
  const [port] = await insertPorts(ctx, [wish])
  invariant(port, 'a port has no row')
  if (wish.projectId) await portEvent(ctx, port, 'created')
  return port
}

/**
 * Makes only the rows, in the order of the wishes: the caller has locked the networks, has reserved the quota, and
 * appends the events. Three statements for ports of one subnet, however many ports. In a transaction.
 */
export async function insertPorts(ctx: Ctx, wishes: readonly NewPort[]): Promise<PortWithAddress[]> {
  if (wishes.length === 0) return []
  const macs = macCandidates(wishes.length)
  const ports = wishes.map((wish, n) => ({ id: crypto.randomUUID(), wish, macs: macs[n] ?? [] }))
  const rows = await ctx.db.$queryRaw<PortModel[]>`
    WITH wish AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(ports.map(columnsOf))}::jsonb) AS w ("n" int, "id" uuid, "projectId" text,
        "networkId" uuid, "name" text, "description" text, "adminUp" boolean, "portSecurity" boolean, "tags" text[],
        "deviceOwner" text, "deviceId" text, "hostId" uuid, "mac" text, "macs" text[], "groups" uuid[])
    ), port AS (
      INSERT INTO "Port" ("id", "projectId", "networkId", "name", "description", "adminUp", "portSecurity", "tags",
        "deviceOwner", "deviceId", "hostId", "mac", "state")
      SELECT "id", "projectId", "networkId", "name", "description", "adminUp", "portSecurity", "tags",
        "deviceOwner", "deviceId", "hostId", "free",
        -- It only keeps an address, which a router carries out.
        CASE "deviceOwner" WHEN 'network:floatingip' THEN 'n/a' ELSE 'down' END FROM (
          SELECT w.*, COALESCE(w."mac", (SELECT m FROM unnest(w."macs") AS m WHERE NOT EXISTS (
            SELECT 1 FROM "Port" p WHERE p."networkId" = w."networkId" AND p."mac" = m) LIMIT 1)) AS "free" FROM wish w) w
      WHERE "free" IS NOT NULL ORDER BY "n" RETURNING *
    ), member AS (
      INSERT INTO "PortSecurityGroup" ("portId", "groupId")
      SELECT p."id", g FROM port p JOIN wish w ON w."id" = p."id", unnest(w."groups") AS g)
    SELECT * FROM port`
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  if (rows.length < ports.length) throw conflict('No free MAC address was found on this network. Try again.')
  const addresses = await giveAddresses(ctx, ports)
  return ports.flatMap(({ id }) => {
    const row = rowOf.get(id)
    return row ? { ...row, address: addresses.get(id) ?? null } : []
  })
}

type Port = { id: string; wish: NewPort; macs: string[] }

const columnsOf = ({ id, wish, macs }: Port, n: number) => ({
  n,
  id,
  projectId: wish.projectId,
  networkId: wish.network.id,
  name: wish.name ?? '',
  description: wish.description ?? '',
  adminUp: wish.adminUp ?? true,
  portSecurity: wish.portSecurity ?? wish.network.portSecurity,
  tags: [...new Set(wish.tags ?? [])],
  deviceOwner: wish.deviceOwner,
  deviceId: wish.deviceId,
  hostId: wish.hostId ?? null,
  mac: wish.mac ?? null,
  macs,
  groups: [...new Set(wish.securityGroupIds ?? [])],
})

/** Gives the ports their addresses. Returns the first address of each port by the port's ID. */
async function giveAddresses(ctx: Ctx, ports: readonly Port[]): Promise<Map<string, string>> {
  const first = new Map<string, string>()
  const anyOf = new Map<PoolSubnet, string[]>()
  for (const { id, wish } of ports) {
    const [subnet] = wish.network.subnets
    if (wish.fixed) {
      const [address] = await giveFixed(ctx, wish.network, id, wish.fixed)
      if (address !== undefined) first.set(id, address)
    } else if (subnet) anyOf.set(subnet, [...(anyOf.get(subnet) ?? []), id])
  }
  for (const [subnet, ids] of anyOf)
    for (const [id, address] of await allocateAddresses(ctx, subnet, ids)) first.set(id, address)
  return first
}

/** Deletes rows and quota of ports that have left their hosts, and appends the events. In a transaction. */
export async function deletePortRows(ctx: Ctx, ids: readonly string[]): Promise<void> {
  for (const [projectId, ports] of await forgetPortRows(ctx, ids))
    await releaseQuota(ctx, projectId, { ports })
}

/**
 * Does the same without the quota: launches lock quota in one order, so a caller that gives back more than ports gives
 * everything back at once. Returns the number of deleted ports by project.
 */
export async function forgetPortRows(
  ctx: Ctx,
  ids: readonly string[],
): Promise<[projectId: string, ports: number][]> {
  if (ids.length === 0) return []
  const gone = await ctx.db.$queryRaw<{ projectId: string; ports: number }[]>`
    WITH freed AS (
      UPDATE "FloatingIp" SET "portId" = NULL, "fixedAddress" = NULL, "routerId" = NULL, "state" = 'down'
      WHERE "portId" = ANY(${[...ids]}::uuid[]) RETURNING "id", "projectId"
    ), gone AS (
      DELETE FROM "Port" WHERE "id" = ANY(${[...ids]}::uuid[]) RETURNING "id", "projectId", "deviceId", "networkId"
    ), e AS (${insertEvents(
      Prisma.sql`(
        ${portEvents('deleted', Prisma.sql`gone WHERE "projectId" <> ''`)} UNION ALL
        SELECT 'floatingIp.updated', "projectId", false, 'floatingIp', "id"::text, NULL, NULL FROM freed) n`,
      actorOf(ctx),
    )}), told AS (SELECT pg_notify('stratolith_events', '') FROM e)
    SELECT "projectId", count(*)::int AS "ports" FROM gone
    WHERE "projectId" <> '' AND (SELECT count(*) FROM told) >= 0 GROUP BY "projectId" ORDER BY "projectId"`
  return gone.map(({ projectId, ports }) => [projectId, ports])
}

type EventPort = Pick<PortModel, 'id' | 'projectId' | 'deviceId' | 'networkId'>

export const portEvent = (ctx: Ctx, port: EventPort, what: 'created' | 'updated' | 'deleted') =>
  appendEvent(ctx, portEventOf(port, what))

export const portEventOf = (port: EventPort, what: 'created' | 'updated' | 'deleted') => ({
  kind: `port.${what}`,
  projectId: port.projectId,
  resourceKind: 'port',
  resourceId: port.id,
  data: { deviceId: port.deviceId, networkId: port.networkId },
})

/** The events of rows of "Port" as a SELECT, which `insertEvents` takes. */
export const portEvents = (what: 'updated' | 'deleted', from: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT ${`port.${what}`} AS "kind", "projectId", false AS "public", 'port' AS "resourceKind", "id"::text AS "resourceId",
    NULL::uuid AS "operationId", jsonb_build_object('deviceId', "deviceId", 'networkId', "networkId") AS "data" FROM ${from}`
