import type { z } from 'zod'
import { type Ctx, inTransaction, seesAll } from '../../kernel/context.ts'
import type { Page, pageInput } from '../../kernel/contract.ts'
import { alreadyExists, CloudError, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { containing, pageOf } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { recordOperation } from '../../kernel/workflow.ts'
import type { FlavorView, flavorCreateInput } from '../contract.ts'

/** The row as the scheduler, the launch and the views need it. */
export type Flavor = {
  id: string
  name: string
  description: string
  vcpus: number
  memoryMib: number
  diskGib: number
  public: boolean
  extraSpecs: unknown
  createdAt: Date
}

const specsOf = (flavor: Pick<Flavor, 'extraSpecs'>) => flavor.extraSpecs as Record<string, string>
/** "hw:disk" = "copy" asks for a full copy of the image instead of an overlay. */
export const diskModeOf = (specs: Record<string, string>): 'overlay' | 'copy' =>
  specs['hw:disk'] === 'copy' ? 'copy' : 'overlay'

const viewOf = (flavor: Flavor): FlavorView => ({
  id: flavor.id,
  name: flavor.name,
  description: flavor.description,
  vcpus: flavor.vcpus,
  memoryMib: flavor.memoryMib,
  diskGib: flavor.diskGib,
  public: flavor.public,
  diskMode: diskModeOf(specsOf(flavor)),
  extraSpecs: specsOf(flavor),
  createdAt: flavor.createdAt.toISOString(),
})

/** Private flavors are an administrator's; for others they do not exist (R2). */
const usable = (ctx: Ctx) => (seesAll(ctx) ? {} : { public: true })

export async function listFlavors(ctx: Ctx, input: z.output<typeof pageInput>): Promise<Page<FlavorView>> {
  authorize(ctx, 'compute:list_flavors')
  const where = {
    ...usable(ctx),
    ...(input.search ? { name: containing(input.search) } : {}),
  }
  const page = await pageOf<Flavor>(ctx.db.flavor, input, where, {
    orderBy: [{ vcpus: 'asc' }, { memoryMib: 'asc' }, { diskGib: 'asc' }, { id: 'asc' }],
  })
  return { ...page, items: page.items.map(viewOf) }
}

/** All flavors that the caller may launch, smallest first; for plans. One query. */
export async function usableFlavors(ctx: Ctx): Promise<Flavor[]> {
  return ctx.db.flavor.findMany({
    where: usable(ctx),
    orderBy: [{ vcpus: 'asc' }, { memoryMib: 'asc' }, { id: 'asc' }],
    take: 1000,
  })
}

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

/** Instances keep their own copy of the numbers, so a flavor in use may go. */
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

async function noteFlavor(ctx: Ctx, row: Flavor, verb: 'create' | 'delete'): Promise<void> {
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
