import { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { projectExists } from '../../directory/service.ts'
import { type Ctx, inTransaction, seesAll } from '../../kernel/context.ts'
import type { Page, pageInput } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import type { Fact } from '../../kernel/facts.ts'
import { type Ask, askOf, pageView, whole } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import type { FlavorView, flavorCreateInput } from '../contract.ts'
import { bySize, type Flavor, type FlavorWhere, queryFlavors, sortableFlavors, usable } from './queries.ts'

export type { Flavor } from './queries.ts'

const specsOf = (flavor: Pick<Flavor, 'extraSpecs'>) => flavor.extraSpecs as Record<string, string>
/** The disk mode of a flavor: "hw:disk" = "copy" asks for a full copy of the image instead of an overlay. */
export const diskModeOf = (specs: Record<string, string>): 'overlay' | 'copy' =>
  specs['hw:disk'] === 'copy' ? 'copy' : 'overlay'

const viewOf = (flavor: Flavor): FlavorView => ({
  id: flavor.id,
  name: flavor.name,
  description: flavor.description,
  vcpus: flavor.vcpus,
  memoryMib: flavor.memoryMib,
  diskGib: flavor.diskGib,
  ephemeralGib: flavor.ephemeralGib,
  swapMib: flavor.swapMib,
  public: flavor.public,
  diskMode: diskModeOf(specsOf(flavor)),
  extraSpecs: specsOf(flavor),
  rxtxFactor: flavor.rxtxFactor,
  createdAt: flavor.createdAt.toISOString(),
})

/** A flavor that the caller may launch; null for any other id. */
export function flavorFact(ctx: Ctx, id: string): Fact<Flavor | null> {
  const given =
    ctx.scope.kind === 'project'
      ? Prisma.sql`OR EXISTS (SELECT 1 FROM "FlavorAccess" a WHERE a."flavorId" = f."id" AND a."projectId" = ${ctx.scope.projectId})`
      : Prisma.empty
  const seen = seesAll(ctx) ? Prisma.sql`true` : Prisma.sql`(f."public" ${given})`
  return {
    sql: Prisma.sql`SELECT to_jsonb(f) FROM "Flavor" f WHERE f."id" = ${id} AND ${seen}`,
    read(value) {
      const row = value as (Omit<Flavor, 'createdAt'> & { createdAt: string }) | null
      return row && { ...row, createdAt: new Date(row.createdAt) }
    },
  }
}

/** Lists flavors, smallest first. */
export async function listFlavors(ctx: Ctx, input: z.output<typeof pageInput>): Promise<Page<FlavorView>> {
  const ask = askOf(
    input,
    sortableFlavors,
    bySize.map((one) => ({ ...one, dir: 'asc' as const })),
  )
  const slice = await queryFlavors(ctx, { where: { search: input.search }, ...ask })
  return pageView(slice, slice.rows.map(viewOf))
}

/** Returns all flavors that the caller may launch, smallest first, for plans. Costs one query. */
export async function usableFlavors(ctx: Ctx): Promise<Flavor[]> {
  const rows = await ctx.db.flavor.findMany({
    where: usable(ctx),
    orderBy: [{ vcpus: 'asc' }, { memoryMib: 'asc' }, { id: 'asc' }],
    take: 10_001,
  })
  return whole(rows, 10_000, 'An administrator must delete flavors.')
}

/** Makes a flavor; for administrators. Throws already_exists when a flavor of that id or name exists. */
export async function createFlavor(ctx: Ctx, input: z.output<typeof flavorCreateInput>): Promise<FlavorView> {
  authorize(ctx, 'compute:create_flavor')
  const { diskMode, ...data } = input
  const id = data.id ?? crypto.randomUUID()
  return inTransaction(ctx, async (tx) => {
    const taken = await tx.db.flavor.findFirst({ where: { OR: [{ id }, { name: data.name }] } })
    if (taken) throw alreadyExists('flavor', taken.name === data.name ? data.name : id)
    const row = await tx.db.flavor.create({
      data: { ...data, id, extraSpecs: diskMode === 'copy' ? { 'hw:disk': 'copy' } : {} },
    })
    await noteFlavor(tx, row, 'create')
    return viewOf(row)
  })
}

/** The keys by which a list may be sorted, as Nova names them. */
export const flavorSortKeys = {
  flavorid: 'id',
  id: 'id',
  name: 'name',
  memory_mb: 'memoryMib',
  vcpus: 'vcpus',
  root_gb: 'diskGib',
  ephemeral_gb: 'ephemeralGib',
  swap: 'swapMib',
  created_at: 'createdAt',
  rxtx_factor: 'rxtxFactor',
  is_public: 'public',
} as const

/** Returns one page for OpenStack's clients. Throws invalid_input for a marker that the caller cannot see. */
export async function findFlavors(
  ctx: Ctx,
  ask: Ask<FlavorWhere>,
): Promise<{ flavors: FlavorView[]; more: boolean }> {
  const { rows, next } = await queryFlavors(ctx, ask)
  return { flavors: rows.map(viewOf), more: next !== null }
}

/** Returns one flavor. Throws not_found for a flavor that the caller may not use. */
export async function getFlavor(ctx: Ctx, input: { id: string }): Promise<FlavorView> {
  authorize(ctx, 'compute:list_flavors')
  const row = await seenFlavor(ctx, input.id)
  if (!row) throw notFound('flavor', input.id)
  return viewOf(row)
}
const seenFlavor = (ctx: Ctx, id: string) =>
  ctx.db.flavor.findFirst({ where: { AND: [usable(ctx), { id }] } })

/** Changes the description of a flavor. Throws not_found for an id that no flavor has. */
export async function describeFlavor(
  ctx: Ctx,
  input: { id: string; description: string },
): Promise<FlavorView> {
  return changeFlavor(ctx, 'compute:update_flavor', input.id, async () => ({
    description: input.description,
  }))
}

/**
 * Namespaces that promise a property of the machine: a key in them is accepted only when the cloud keeps the promise.
 */
const promised = /^(hw|hw_|os|quota|resources|trait|pci_passthrough|accel|powervm|vmware|libvirt)[:_\d]/
const known: Record<string, readonly string[]> = { 'hw:disk': ['overlay', 'copy'] }

/**
 * Adds or replaces extra specs; specs that are not named stay. Throws invalid_input for a spec that promises what the
 * cloud does not do.
 */
export async function setExtraSpecs(
  ctx: Ctx,
  input: { id: string; specs: Record<string, string> },
): Promise<FlavorView> {
  for (const [key, value] of Object.entries(input.specs)) {
    const values = Object.hasOwn(known, key) ? known[key] : undefined
    if (values ? !values.includes(value) : promised.test(key))
      throw invalidInput(
        values
          ? `${key} is one of ${values.join(', ')}.`
          : `This cloud does not know the extra spec “${key.slice(0, 100)}”, so it would have no effect.`,
      )
  }
  return changeFlavor(ctx, 'compute:update_flavor', input.id, async (row) => {
    const extraSpecs = { ...specsOf(row), ...input.specs }
    if (Object.keys(extraSpecs).length > 128) throw invalidInput('A flavor has at most 128 extra specs.')
    return { extraSpecs }
  })
}

/** Removes an extra spec. Returns false when the flavor has no spec of that name. */
export async function removeExtraSpec(ctx: Ctx, input: { id: string; key: string }): Promise<boolean> {
  let found = false
  await changeFlavor(ctx, 'compute:update_flavor', input.id, async (row) => {
    found = Object.hasOwn(specsOf(row), input.key)
    const { [input.key]: _gone, ...extraSpecs } = specsOf(row)
    return { extraSpecs }
  })
  return found
}

/** Returns the ids of the projects that may use a private flavor. */
export async function flavorAccess(ctx: Ctx, input: { id: string }): Promise<string[]> {
  authorize(ctx, 'compute:list_flavor_access')
  const row = await ctx.db.flavor.findUnique({ where: { id: input.id }, include: { access: true } })
  if (!row) throw notFound('flavor', input.id)
  if (row.public) throw notFound('access list of the public flavor', input.id)
  return row.access.map((access) => access.projectId).sort()
}

/**
 * Gives a project access to a private flavor; returns the ids of all projects with access. Throws conflict for a public
 * flavor and for a project that has access already, invalid_input for an unknown project.
 */
export async function grantFlavor(ctx: Ctx, input: { id: string; projectId: string }): Promise<string[]> {
  const { id, projectId } = input
  await changeFlavor(ctx, 'compute:update_flavor', id, async (row, tx) => {
    if (row.public) throw conflict('Everybody may use a public flavor: there is no access to give.')
    if (!(await projectExists(tx, projectId, 'any')))
      throw invalidInput(`Project ID ${projectId} is not a valid project.`)
    const { count } = await tx.db.flavorAccess.createMany({
      data: { flavorId: id, projectId },
      skipDuplicates: true,
    })
    if (count === 0) throw conflict(`The project ${projectId} may use this flavor already.`)
    return {}
  })
  return flavorAccess(ctx, { id })
}

/**
 * Takes the access to a private flavor from a project; returns the ids of all projects with access. Throws conflict for
 * a public flavor, not_found for a project without access.
 */
export async function revokeFlavor(ctx: Ctx, input: { id: string; projectId: string }): Promise<string[]> {
  const { id, projectId } = input
  await changeFlavor(ctx, 'compute:update_flavor', id, async (row, tx) => {
    if (row.public) throw conflict('Everybody may use a public flavor: there is no access to take.')
    const { count } = await tx.db.flavorAccess.deleteMany({ where: { flavorId: id, projectId } })
    if (count === 0) throw notFound('access to this flavor of the project', projectId)
    return {}
  })
  return flavorAccess(ctx, { id })
}

async function changeFlavor(
  ctx: Ctx,
  policy: string,
  id: string,
  change: (row: Flavor, tx: Ctx) => Promise<Prisma.FlavorUpdateInput>,
): Promise<FlavorView> {
  authorize(ctx, policy)
  return inTransaction(ctx, async (tx) => {
    await tx.db.$queryRaw`SELECT 1 FROM "Flavor" WHERE "id" = ${id} FOR UPDATE`
    const before = await tx.db.flavor.findUnique({ where: { id } })
    if (!before) throw notFound('flavor', id)
    const row = await tx.db.flavor.update({ where: { id }, data: await change(before, tx) })
    await noteFlavor(tx, row, 'update')
    return viewOf(row)
  })
}

/** Deletes a flavor, even when instances use it: they keep their own copy of the numbers. */
export async function deleteFlavor(ctx: Ctx, input: { id: string }): Promise<FlavorView> {
  authorize(ctx, 'compute:delete_flavor')
  if (input.id.length > 255) throw invalidInput('A flavor id has at most 255 characters.', 'id')
  return inTransaction(ctx, async (tx) => {
    const row = await tx.db.flavor.findUnique({ where: { id: input.id } })
    if (!row) throw notFound('flavor', input.id)
    const { count } = await tx.db.flavor.deleteMany({ where: { id: row.id } })
    if (count === 0) throw new CloudError('not_found', notFound('flavor', input.id).message)
    await noteFlavor(tx, row, 'delete')
    return viewOf(row)
  })
}

async function noteFlavor(ctx: Ctx, row: Flavor, verb: 'create' | 'update' | 'delete'): Promise<void> {
  const id = crypto.randomUUID()
  await recordOperation(ctx, {
    id,
    action: `flavor.${verb}`,
    resourceKind: 'flavor',
    resourceId: row.id,
    resourceName: row.name,
    projectId: null,
  })
  await appendEvent(ctx, {
    kind: `flavor.${verb}d`,
    projectId: null,
    public: row.public,
    resourceKind: 'flavor',
    resourceId: row.id,
    operationId: id,
    data: { name: row.name },
  })
}
