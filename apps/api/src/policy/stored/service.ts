import type { Prisma } from '@stratolith/db'
import { z } from 'zod'
import { newId } from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { CloudError, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize, type PolicyTable } from '../../kernel/policy.ts'
import { type Extra, extraInput } from '../../openstack/extra.ts'

/** Keystone's /v3/policies: texts that other programs keep there. This cloud obeys none of them. */

export const storedPolicyRules: PolicyTable = {
  'identity:list_policies': 'admin or role:reader and scope:system',
  'identity:change_policies': 'admin',
}
const most = 1000
export const storedPolicyInput = z.object({
  type: z.string().min(1).max(255),
  blob: z.string().max(65_536),
  extra: extraInput.optional(),
})
export type StoredPolicyView = { id: string; type: string; blob: string; extra: Extra }
const toView = ({ id, type, blob, extra }: Prisma.StoredPolicyGetPayload<object>): StoredPolicyView => ({
  id,
  type,
  blob,
  extra: extra as Extra,
})

export async function listStoredPolicies(ctx: Ctx, type?: string): Promise<StoredPolicyView[]> {
  authorize(ctx, 'identity:list_policies')
  return (await ctx.db.storedPolicy.findMany({ where: { type }, orderBy: { id: 'asc' }, take: most })).map(
    toView,
  )
}

export async function getStoredPolicy(
  ctx: Ctx,
  id: string,
  action = 'identity:list_policies',
): Promise<StoredPolicyView> {
  authorize(ctx, action)
  const row = await ctx.db.storedPolicy.findUnique({ where: { id } })
  if (!row) throw notFound('policy', id)
  return toView(row)
}

export async function createStoredPolicy(
  ctx: Ctx,
  input: z.output<typeof storedPolicyInput>,
): Promise<StoredPolicyView> {
  authorize(ctx, 'identity:change_policies')
  if ((await ctx.db.storedPolicy.count()) >= most)
    throw new CloudError('forbidden', `There are ${most} policies already. Delete one first.`)
  return inTransaction(ctx, async (tx) => {
    const row = await tx.db.storedPolicy.create({ data: { id: newId(), ...input } })
    await note(tx, row.id, 'created')
    return toView(row)
  })
}

export async function updateStoredPolicy(
  ctx: Ctx,
  { id, ...changes }: Partial<z.output<typeof storedPolicyInput>> & { id: string },
): Promise<StoredPolicyView> {
  await getStoredPolicy(ctx, id, 'identity:change_policies')
  return inTransaction(ctx, async (tx) => {
    const row = await tx.db.storedPolicy.update({ where: { id }, data: changes })
    await note(tx, id, 'updated')
    return toView(row)
  })
}

export async function deleteStoredPolicy(ctx: Ctx, id: string): Promise<void> {
  await getStoredPolicy(ctx, id, 'identity:change_policies')
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.storedPolicy.deleteMany({ where: { id } })
    if (count > 0) await note(tx, id, 'deleted')
  })
}

const note = (ctx: Ctx, id: string, what: 'created' | 'updated' | 'deleted') =>
  appendEvent(ctx, { kind: `policy.${what}`, projectId: null, resourceKind: 'policy', resourceId: id })
