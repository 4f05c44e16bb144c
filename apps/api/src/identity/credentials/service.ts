import { createHash } from 'node:crypto'
import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import {
  boundBy,
  demandNoMore,
  demandRoom,
  loadUser,
  lockUser,
  newId,
  projectExists,
  reachesElsewhere,
  refuseDelegation,
  refuseSecrets,
  rolesAt,
  seen,
  sessionEnded,
} from '../../directory/service.ts'
import { type Ctx, inTransaction, isAdmin } from '../../kernel/context.ts'
import { CloudError, conflict, invalidInput, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { authorize } from '../../kernel/policy.ts'
import type { Extra } from '../../openstack/extra.ts'
import { readSeed } from '../multi-factor/totp.ts'
import { accessOf, type CredentialRow, ec2Blob } from './blobs.ts'
import type {
  CredentialInput,
  CredentialView,
  credentialListInput,
  credentialUpdateInput,
} from './contract.ts'
import { keyHash, seal, unseal } from './sealing.ts'

const mostPerUser = 200

/** One's own; all of the cloud, or those of one user, for its administrators. By id. */
export async function listCredentials(
  ctx: Ctx,
  input: z.output<typeof credentialListInput>,
): Promise<{ items: CredentialView[]; truncated: boolean }> {
  authorize(ctx, 'identity:list_credentials')
  refuseSecrets(ctx)
  const userId = isAdmin(ctx) ? input.userId : ctx.actor.userId
  const foreign = input.userId !== undefined && userId !== input.userId
  const where: Prisma.CredentialWhereInput = { userId, type: input.type }
  const rows = foreign ? [] : await ctx.db.credential.findMany({ where, orderBy: { id: 'asc' }, take: 1001 })
  return { items: rows.slice(0, 1000).map((row) => toView(ctx, row)), truncated: rows.length > 1000 }
}

export async function getCredential(ctx: Ctx, input: { id: string }): Promise<CredentialView> {
  const row = await load(ctx, input.id)
  refuseSecrets(ctx)
  return toView(ctx, row)
}

/** Those of one kind of a user, oldest first; who may know them has been asked before. */
export async function credentialsOf(ctx: Ctx, userId: string, type: string): Promise<CredentialRow[]> {
  return ctx.db.credential.findMany({ where: { userId, type }, orderBy: { createdAt: 'asc' } })
}

/** The EC2 credential of that access key, whosever it is; null when there is none. */
export async function credentialByAccess(ctx: Ctx, accessKey: string): Promise<CredentialRow | null> {
  return ctx.db.credential.findUnique({ where: { accessKey } })
}

/** Deletes the credentials that are for a project, with the tokens made from them. In a transaction. */
export async function deleteCredentialsFor(ctx: Ctx, projectId: string): Promise<void> {
  await ctx.db.credential.deleteMany({ where: { projectId } })
}

async function load(ctx: Ctx, id: string, action?: string): Promise<CredentialRow> {
  const row = await ctx.db.credential.findUnique({ where: { id } })
  const target = ({ userId }: CredentialRow) => ({ userId })
  return seen(ctx, { kind: 'credential', id, row, target, read: 'identity:get_credential' }, action)
}

/** For oneself; administrators of the cloud for anyone. Throws conflict for an access key that is taken. */
export async function createCredential(ctx: Ctx, input: CredentialInput): Promise<CredentialView> {
  authorize(ctx, 'identity:create_credential', { userId: input.userId })
  refuseDelegation(ctx, 'make credentials')
  const user = await loadUser(ctx, input.userId)
  const projectId = await projectFor(ctx, input)
  const bound = boundBy(ctx, null)
  const access = input.type === 'ec2' ? accessOf(ctx, input.blob) : null
  if (input.type === 'totp') readSeed(input.blob)
  return storeCredential(ctx, {
    userId: user.id,
    projectId,
    type: input.type,
    blob: input.blob,
    accessKey: access,
    applicationCredentialId: bound.id,
    extra: input.extra,
  })
}

/** The project of a new credential: where its user has a role, so that nothing is learnt of others (R2). */
async function projectFor(ctx: Ctx, { type, projectId, userId }: CredentialInput): Promise<string | null> {
  if (type === 'ec2' && !projectId)
    throw invalidInput('An EC2 credential is for a project: name it.', 'project_id')
  if (!projectId) return null
  if (!isAdmin(ctx)) {
    const here = ctx.scope.kind === 'project' && ctx.scope.projectId === projectId
    const known = here || reachesElsewhere(ctx)
    if (!known || (await rolesAt(ctx, userId, { projectId })).size === 0) throw notFound('project', projectId)
  } else if (!(await projectExists(ctx, projectId, 'live'))) throw notFound('project', projectId)
  return projectId
}

type NewCredential = Pick<
  CredentialRow,
  'userId' | 'projectId' | 'type' | 'blob' | 'accessKey' | 'applicationCredentialId'
> & { extra?: Extra }
/** `blob` in clear; it is sealed here. */
export async function storeCredential(ctx: Ctx, input: NewCredential): Promise<CredentialView> {
  // Keystone's way: whoever knows an access key can name its credential.
  const id = input.accessKey === null ? newId() : createHash('sha256').update(input.accessKey).digest('hex')
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, input.userId)
    const count = await tx.db.credential.count({ where: { userId: input.userId } })
    demandRoom(count, mostPerUser, 'credentials')
    if (await tx.db.credential.findUnique({ where: { id } })) throw conflict('This access key is taken.')
    const sealed = { blob: seal(ctx, id, input.blob), keyHash: keyHash(ctx) }
    const row = await tx.db.credential.create({ data: { ...input, id, ...sealed } })
    await told(tx, 'created', row)
    return toView(ctx, row)
  })
}

/**
 * Another blob or type. Whose it is never changes, nor the delegation that it was made with
 * (A13.2); the project only by an administrator of the cloud.
 */
export async function updateCredential(
  ctx: Ctx,
  input: z.output<typeof credentialUpdateInput>,
): Promise<CredentialView> {
  const row = await load(ctx, input.id, 'identity:update_credential')
  refuseDelegation(ctx, 'change credentials')
  await demandNoMore(ctx, await loadUser(ctx, row.userId))
  if (input.userId !== undefined && input.userId !== row.userId) throw stays('user')
  const projectId = input.projectId === undefined ? row.projectId : input.projectId
  if (projectId !== row.projectId && !isAdmin(ctx)) throw stays('project')
  const type = input.type ?? row.type
  if (type !== row.type && [type, row.type].some((t) => t === 'ec2' || t === 'totp')) throw stays('type')
  await projectFor(ctx, { userId: row.userId, type, projectId, blob: '' })
  const blob = input.blob ?? open(ctx, row)
  const accessKey = type === 'ec2' ? accessOf(ctx, blob, row) : null
  if (type === 'totp') readSeed(blob)
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, row.userId)
    if (accessKey !== row.accessKey && (await tx.db.credential.findFirst({ where: { accessKey } })))
      throw conflict('This access key is taken.')
    const sealed = { blob: seal(ctx, row.id, blob), keyHash: keyHash(ctx) }
    const changed = await tx.db.credential.update({
      where: { id: row.id },
      data: { type, projectId, accessKey, extra: input.extra, ...sealed },
    })
    // Tokens were made by the secret that it was.
    await tx.db.token.deleteMany({ where: { credentialId: row.id } })
    await sessionEnded(tx, { userId: row.userId }, 'credential changed')
    await told(tx, 'updated', changed)
    return toView(ctx, changed)
  })
}

const stays = (what: string) =>
  new CloudError('forbidden', `The ${what} of a credential stays. Make a new one instead.`)

/** Tokens made with it end at once. */
export async function deleteCredential(ctx: Ctx, input: { id: string }): Promise<void> {
  const row = await load(ctx, input.id, 'identity:delete_credential')
  refuseDelegation(ctx, 'delete credentials')
  await demandNoMore(ctx, await loadUser(ctx, row.userId))
  await dropCredential(ctx, row)
}

export async function dropCredential(
  ctx: Ctx,
  row: Pick<CredentialRow, 'id' | 'userId' | 'type'>,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, row.userId)
    await tx.db.credential.deleteMany({ where: { id: row.id } })
    await sessionEnded(tx, { userId: row.userId }, 'credential deleted')
    await told(tx, 'deleted', row)
  })
}

const told = (
  ctx: Ctx,
  what: 'created' | 'updated' | 'deleted',
  { id, userId, type }: Pick<CredentialRow, 'id' | 'userId' | 'type'>,
) =>
  appendEvent(ctx, {
    kind: `credential.${what}`,
    projectId: null,
    resourceKind: 'credential',
    resourceId: id,
    data: { userId, type },
  })

/** The clear text. Throws internal for a blob of another key. */
export function open(ctx: Ctx, row: Pick<CredentialRow, 'id' | 'blob' | 'keyHash'>): string {
  const text = unseal(ctx, row.id, row.blob)
  if (text === null)
    throw new CloudError('internal', 'This secret cannot be read any more. Delete it and make a new one.', {
      detail: `credential ${row.id} was sealed by the key ${row.keyHash}; ours is ${keyHash(ctx)}`,
    })
  return text
}

function toView(ctx: Ctx, row: CredentialRow): CredentialView {
  const { id, userId, projectId, type } = row
  const shown = { id, userId, projectId, type, extra: row.extra as Extra }
  if (type === 'totp') return { ...shown, blob: '' }
  const blob = open(ctx, row)
  return { ...shown, blob: type === 'ec2' ? ec2Blob(blob, row) : blob }
}
