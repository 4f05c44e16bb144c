import type { AnyRouter } from '@trpc/server'
import { type ApiOperation, addOperations, defineFacade, type Facade } from '../openstack/operation.ts'
import { type CloudService, registerService } from '../openstack/services.ts'
import type { QuotaResource } from './contract.ts'
import { defineKinds, type Kind } from './kinds.ts'
import { type PolicyTable, registerPolicy } from './policy.ts'
import { defineQuota, type QuotaWords } from './quota.ts'
import { defineReconciler, type Reconciler } from './reconciler.ts'
import { type Kept, keepFor } from './retention.ts'
import { defineWorkflow, type Workflow } from './workflow.ts'

/**
 * The manifest of a room, in its room.ts. rooms.ts lists the rooms, and everything central is made
 * from that list: the portal's router, the operation table, the policy, a worker's workflows and
 * reconcilers, the quota, the rules about imports between rooms. The tables of a room are those of its file
 * in prisma/schema; its examples and its rows of the authorization matrix are in its testing.room.ts.
 */
export type Room<Name extends string = string, Router extends AnyRouter = AnyRouter> = {
  /** The name of the room, its folder, its Prisma file and its browser test, and the prefix of its commits and procedures. */
  name: Name
  /** The rooms whose service.ts and contract.ts this room may import. They stand before it in rooms.ts. */
  uses: readonly string[]
  /** The kinds of its things, by their names in the event log and in operations. */
  kinds: Readonly<Record<string, Kind>>
  /** The resources that are counted for each project, with the default limits. */
  quota?: Readonly<Partial<Record<QuotaResource, QuotaWords>>>
  policy: PolicyTable
  /** The tRPC procedures of the room, for the portal. */
  router: Router
  /** The operations that the room adds to OpenStack's door. */
  openstack?: readonly Door[]
  // `never`, because each workflow has an input type of its own, which the room's service provides.
  workflows?: readonly Workflow<never>[]
  reconcilers?: readonly Reconciler[]
  /** The tables of the room that grow with the age of the cloud. */
  kept?: readonly Kept[]
  /** Registers functions with the rooms that this room uses: what goes with a project, what hosts are told. It runs once. */
  joins?: () => void
}

export type Door = {
  /** The façade to which the operations belong, such as "compute". */
  service: string
  /** The façade itself; only in the room to which the façade belongs. */
  facade?: Omit<Facade, 'service'>
  /** The façade's entry in the catalog. */
  catalog?: Omit<CloudService, 'type'>
  /** Further entries of the catalog with the same address, for clients that look for an older type. */
  alsoInCatalog?: readonly Pick<CloudService, 'type' | 'name'>[]
  operations: readonly {
    /** The paths under which each operation answers; the first is the documented one. */
    below: string[]
    operations: ApiOperation[]
  }[]
}

/** Keeps the name and the router of a manifest as types, from which the portal's client is made. */
export const defineRoom = <const Name extends string, Router extends AnyRouter>(
  room: Room<Name, Router>,
): Room<Name, Router> => room

/**
 * Registers these rooms in this process, in their order. Throws, so that the cloud does not start, when two rooms
 * register the same name or a room uses a room that does not stand before it.
 */
export function registerRooms(rooms: readonly Room[]): void {
  const seen = new Map<string, string>()
  const once = (what: string, room: string) => {
    const before = seen.get(what)
    if (before !== undefined) throw new Error(`${what} is said twice: by the rooms ${before} and ${room}`)
    seen.set(what, room)
  }
  for (const room of rooms) {
    for (const used of room.uses)
      if (!seen.has(`room ${used}`))
        throw new Error(`room ${room.name} uses ${used}, which does not stand before it`)
    once(`room ${room.name}`, room.name)
    for (const what of namesOf(room)) once(what, room.name)
  }
  for (const room of rooms) register(room)
}

/** All names of a room that must be unique in the whole cloud. */
function namesOf(room: Room): string[] {
  const operations = (room.openstack ?? []).flatMap((door) => [
    ...(door.facade ? [`façade ${door.service}`] : []),
    ...(door.catalog ? [`service ${door.service}`] : []),
    ...(door.alsoInCatalog ?? []).map(({ type }) => `service ${type}`),
    ...door.operations.flatMap((group) =>
      group.operations.map((one) => `operation ${door.service}:${one.name}`),
    ),
  ])
  return [
    ...Object.keys(room.kinds).map((kind) => `kind ${kind}`),
    ...Object.entries(room.quota ?? {}).flatMap(([resource, { lock }]) => [
      `quota ${resource}`,
      `place ${lock} in the order of locks`,
    ]),
    ...Object.keys(room.policy).map((action) => `rule ${action}`),
    ...(room.workflows ?? []).map(({ action }) => `workflow ${action}`),
    ...(room.reconcilers ?? []).map(({ name }) => `reconciler ${name}`),
    ...(room.kept ?? []).map(({ name }) => `rows “${name}” that are kept`),
    ...operations,
  ]
}

function register(room: Room): void {
  defineKinds(room.kinds)
  defineQuota(room.quota ?? {})
  registerPolicy(room.policy)
  for (const { service, facade, catalog, alsoInCatalog = [], operations } of room.openstack ?? []) {
    if (facade) defineFacade({ ...facade, service })
    if (catalog)
      for (const entry of [{ type: service }, ...alsoInCatalog]) registerService({ ...catalog, ...entry })
    for (const group of operations) addOperations(service, group.below, group.operations)
  }
  for (const workflow of room.workflows ?? []) defineWorkflow(workflow)
  for (const reconciler of room.reconcilers ?? []) defineReconciler(reconciler)
  keepFor(...(room.kept ?? []))
  room.joins?.()
}
