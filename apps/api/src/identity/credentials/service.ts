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

/**
 * Lists, by id, the caller's own credentials; for administrators of the cloud all credentials, or those of one user.
 */
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

/** Lists a user's credentials of one type, oldest first. The caller of this function has checked the rights. */
export async function credentialsOf(ctx: Ctx, userId: string, type: string): Promise<CredentialRow[]> {
  return ctx.db.credential.findMany({ where: { userId, type }, orderBy: { createdAt: 'asc' } })
}

/** The EC2 credential with the access key, of whichever user; null when there is none. */
export async function credentialByAccess(ctx: Ctx, accessKey: string): Promise<CredentialRow | null> {
  return ctx.db.credential.findUnique({ where: { accessKey } })
}

/** Deletes the credentials for a project, and with them the tokens made from them. Runs in a transaction. */
export async function deleteCredentialsFor(ctx: Ctx, projectId: string): Promise<void> {
  await ctx.db.credential.deleteMany({ where: { projectId } })
}

async function load(ctx: Ctx, id: string, action?: string): Promise<CredentialRow> {
  const row = await ctx.db.credential.findUnique({ where: { id } })
  const target = ({ userId }: CredentialRow) => ({ userId })
  return seen(ctx, { kind: 'credential', id, row, target, read: 'identity:get_credential' }, action)
}

/**
 * Makes a credential for the caller, or by an administrator of the cloud for any user. Throws conflict for an access
 * key that is taken.
 */
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

/**
 * Checks the project of a new credential. Its user must have a role there, so that callers learn nothing of other
 * projects (R2).
 */
async function projectFor(ctx: Ctx, { type, projectId, userId }: CredentialInput): Promise<string | null> {
  if (type === 'ec2' && !projectId)
    throw invalidInput('An EC2 credential is for one project. Name the project.', 'project_id')
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
/** Seals `blob`, which comes as clear text, and writes the row. */
export async function storeCredential(ctx: Ctx, input: NewCredential): Promise<CredentialView> {
  // The id is made as Keystone makes it, so that everyone who knows an access key can name its credential.
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
 * Changes the blob or type of a credential. The owner and the delegation never change (A13.2), and only administrators
 * of the cloud change the project.
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
    // Tokens that were made by the old secret end.
    await tx.db.token.deleteMany({ where: { credentialId: row.id } })
    await sessionEnded(tx, { userId: row.userId }, 'credential changed')
    await told(tx, 'updated', changed)
    return toView(ctx, changed)
  })
}

const stays = (what: string) =>
  new CloudError('forbidden', `The ${what} of a credential cannot be changed. Make a new credential instead.`)

/** Tokens that were made with the credential end at once. */
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

/** Returns the clear text. Throws internal for a blob that was sealed under another key. */
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
