import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction, listScope, seesAll, visible } from '../../kernel/context.ts'
import { CloudError, conflict, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import type { RbacPolicyView, rbacPolicyCreateInput } from '../contract.ts'
import { holdNetwork, loadNetwork, type NetworkRow } from '../networks/load.ts'
import { column, type FindInput, neutronAsk, queryRows, type Searchable, uuidColumn } from '../queries.ts'
import { refuseWhileUsed, setShared } from './rows.ts'

export type RbacPolicyRecord = Prisma.RbacPolicyGetPayload<object>
/** With more policies on a network every query for the network would become slow. */
const mostPolicies = 100

const searchable: Searchable = {
  id: uuidColumn('id'),
  projectId: column('projectId'),
  objectId: uuidColumn('objectId'),
  action: column('action'),
  targetProject: column('targetProject'),
}
const sortable = new Set(['id', 'projectId', 'objectId', 'action', 'targetProject', 'createdAt'])

/** Returns the policies of the project's own networks; administrators see all. */
export async function findRbacPolicies(ctx: Ctx, input: FindInput): Promise<RbacPolicyRecord[]> {
  authorize(ctx, 'rbacPolicy:list')
  const scope = listScope(ctx, { allProjects: seesAll(ctx) })
  const from = { kind: 'rbac policy', scope, searchable }
  return (await queryRows<RbacPolicyRecord>(ctx.db.rbacPolicy, from, neutronAsk(sortable, input, {}))).rows
}

export async function findRbacPolicy(ctx: Ctx, id: string): Promise<RbacPolicyRecord> {
  const [row] = await findRbacPolicies(ctx, { where: [{ field: 'id', any: [id] }] })
  if (!row) throw notFound('rbac policy', id)
  return row
}

export async function listRbacPolicies(ctx: Ctx, input: { networkId: string }): Promise<RbacPolicyView[]> {
  const rows = await findRbacPolicies(ctx, { where: [{ field: 'objectId', any: [input.networkId] }] })
  return rows.map(view)
}

/** Shares a network of the caller's with one project or, for administrators, with all: "*". */
export async function createRbacPolicy(
  ctx: Ctx,
  input: z.output<typeof rbacPolicyCreateInput>,
): Promise<RbacPolicyView> {
  const { networkId, targetProject } = input
  return inTransaction(ctx, async (tx) => {
    const network = await loadNetwork(tx, 'network:get', networkId)
    authorize(tx, 'rbacPolicy:create', { projectId: network.projectId })
    if (targetProject === '*') authorize(tx, 'network:create_shared')
    await holdNetwork(tx, network, 'inTurn')
    const where = { objectId: networkId, action: 'access_as_shared' }
    const policies = await tx.db.rbacPolicy.findMany({ where, select: { targetProject: true } })
    if (policies.some((policy) => policy.targetProject === targetProject))
      throw new CloudError('already_exists', 'An RBAC policy already exists with those values.', {
        reason: 'duplicateRbacPolicy',
      })
    if (policies.length >= mostPolicies)
      throw new CloudError('quota_exceeded', `A network has at most ${mostPolicies} RBAC policies.`)
    if (targetProject === '*') await setShared(tx, network, true)
    else
      await tx.db.rbacPolicy.create({
        data: { id: crypto.randomUUID(), projectId: network.projectId, targetProject, ...where },
      })
    await changed(tx, network)
    return view(
      await tx.db.rbacPolicy.findUniqueOrThrow({
        where: { objectId_action_targetProject: { ...where, targetProject } },
      }),
    )
  })
}

/** Throws conflict while the project that would lose the network has ports on it. */
export async function deleteRbacPolicy(ctx: Ctx, input: { id: string }): Promise<RbacPolicyView> {
  return inTransaction(ctx, async (tx) => {
    const { row, network } = await load(tx, input.id)
    await takeBack(tx, network, row)
    await changed(tx, network)
    return view(row)
  })
}

/** Gives the network of the policy to another project instead. */
export async function retargetRbacPolicy(
  ctx: Ctx,
  input: { id: string; targetProject: string },
): Promise<RbacPolicyView> {
  return inTransaction(ctx, async (tx) => {
    const { row, network } = await load(tx, input.id)
    if (row.targetProject === input.targetProject) return view(row)
    if (input.targetProject === '*' || row.targetProject === '*') authorize(tx, 'network:create_shared')
    const others = await tx.db.rbacPolicy.count({
      where: { objectId: row.objectId, action: row.action, targetProject: input.targetProject },
    })
    if (others > 0) throw conflict('An RBAC policy already exists with those values.', 'duplicateRbacPolicy')
    await refuseWhileUsed(tx, network, row.targetProject)
    const { targetProject } = input
    const updated = await tx.db.rbacPolicy.update({ where: { id: row.id }, data: { targetProject } })
    const shared = targetProject === '*'
    await tx.db.network.update({
      where: { id: network.id },
      data: { shared: shared || (network.shared && row.targetProject !== '*') },
    })
    await changed(tx, network)
    return view(updated)
  })
}

async function load(ctx: Ctx, id: string): Promise<{ row: RbacPolicyRecord; network: NetworkRow }> {
  const row = await ctx.db.rbacPolicy.findFirst({ where: { ...visible(ctx), id } })
  if (!row) throw notFound('rbac policy', id)
  authorize(ctx, 'rbacPolicy:update', { projectId: row.projectId })
  const network = await loadNetwork(ctx, 'network:get', row.objectId)
  await holdNetwork(ctx, network, 'alone')
  return { row, network }
}

async function takeBack(ctx: Ctx, network: NetworkRow, row: RbacPolicyRecord): Promise<void> {
  if (row.targetProject === '*') {
    authorize(ctx, 'network:create_shared')
    return setShared(ctx, network, false)
  }
  await refuseWhileUsed(ctx, network, row.targetProject)
  await ctx.db.rbacPolicy.deleteMany({ where: { id: row.id } })
}

/** The event is public, so that the pages of a project that may see the network now look again. */
const changed = (ctx: Ctx, network: NetworkRow) =>
  appendEvent(ctx, {
    kind: 'network.updated',
    projectId: network.projectId,
    public: true,
    resourceKind: 'network',
    resourceId: network.id,
  })

const view = (row: RbacPolicyRecord): RbacPolicyView => ({
  id: row.id,
  projectId: row.projectId,
  networkId: row.objectId,
  action: 'access_as_shared',
  targetProject: row.targetProject,
  createdAt: row.createdAt.toISOString(),
})
