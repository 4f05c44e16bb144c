import { createHash, randomBytes } from 'node:crypto'
import type { z } from 'zod'
import {
  boundBy,
  checkNewPassword,
  demandNoMore,
  demandRoom,
  hashPassword,
  loadUser,
  lockUser,
  newId,
  refuseDelegation,
  sessionEnded,
} from '../../directory/service.ts'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import { alreadyExists, notFound } from '../../kernel/errors.ts'
import { appendEvent } from '../../kernel/events.ts'
import { futureMoment, handedOnIn, rolesToHandOn } from '../delegable.ts'
import { microsOf } from '../moments.ts'
import type {
  ApplicationCredentialInput,
  ApplicationCredentialView,
  applicationCredentialListInput,
  applicationCredentialRef,
  NewApplicationCredential,
} from './contract.ts'
import { ruleIds } from './rules.ts'
import { credentialColumns, toCredentialView, toCredentialViews } from './views.ts'

const mostPerUser = 100

/**
 * Plain SHA-256 suffices for a secret that we made (512 random bits). A secret that a person chose is hashed like a
 * password.
 */
export const digestOfSecret = (secret: string): string =>
  `sha256:${createHash('sha256').update(secret).digest('hex')}`

/** Lists, by name, the caller's own credentials, or those of a user whom the caller may administer or read. */
export async function listApplicationCredentials(
  ctx: Ctx,
  input: z.output<typeof applicationCredentialListInput>,
): Promise<ApplicationCredentialView[]> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:list_application_credentials')
  const rows = await ctx.db.applicationCredential.findMany({
    where: { userId: user.id, name: input.name },
    orderBy: [{ name: 'asc' }],
    select: credentialColumns,
  })
  return toCredentialViews(ctx, rows)
}

type Ref = z.output<typeof applicationCredentialRef>
export async function getApplicationCredential(ctx: Ctx, input: Ref): Promise<ApplicationCredentialView> {
  return toCredentialView(ctx, await load(ctx, input, 'identity:get_application_credential'))
}

async function load(ctx: Ctx, input: Ref, action: string) {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, action)
  const row = await ctx.db.applicationCredential.findFirst({
    where: { id: input.id, userId: user.id },
    select: credentialColumns,
  })
  if (!row) throw notFound('application credential', input.id)
  return row
}

/**
 * Makes a credential for the project of the session, with roles that the caller has there now. When the caller loses
 * one of these roles, the credential loses the role, too. The answer has the secret, which nobody can read again.
 */
export async function createApplicationCredential(
  ctx: Ctx,
  input: ApplicationCredentialInput & { userId?: string },
): Promise<NewApplicationCredential> {
  const user = await loadUser(ctx, input.userId ?? ctx.actor.userId, 'identity:create_application_credential')
  refuseDelegation(ctx, 'make application credentials')
  const projectId = handedOnIn(ctx)
  const roles = await rolesToHandOn(ctx, ctx.roles, input.roles)
  const bound = boundBy(ctx, futureMoment(input.expiresAt, 'expiresAt'))
  if (input.secret !== undefined) checkNewPassword(ctx, input.secret)
  const secret = input.secret ?? randomBytes(64).toString('base64url')
  const secretHash = input.secret === undefined ? digestOfSecret(secret) : await hashPassword(secret)
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, user.id)
    const where = { userId: user.id }
    demandRoom(await tx.db.applicationCredential.count({ where }), mostPerUser, 'application credentials')
    const taken = await tx.db.applicationCredential.findFirst({ where: { ...where, name: input.name } })
    if (taken) throw alreadyExists('application credential', input.name)
    const rules = await ruleIds(tx, user.id, input.accessRules ?? [])
    const row = await tx.db.applicationCredential.create({
      data: {
        id: newId(),
        userId: user.id,
        projectId,
        name: input.name,
        description: input.description ?? '',
        secretHash,
        expiresAt: bound.expiresAt,
        expiresMicros: microsOf(input.expiresAt),
        unrestricted: input.unrestricted ?? false,
        parentId: bound.id,
        roles: { create: roles.map((roleId) => ({ roleId })) },
        accessRules: { create: rules.map((accessRuleId) => ({ accessRuleId })) },
      },
      select: credentialColumns,
    })
    await told(tx, 'created', row.id, { userId: user.id, name: row.name })
    return { ...(await toCredentialView(tx, row)), secret }
  })
}

/**
 * Everything that was made with the credential ends at once: tokens, EC2 credentials, trusts and further application
 * credentials.
 */
export async function deleteApplicationCredential(ctx: Ctx, input: Ref): Promise<ApplicationCredentialView> {
  const row = await load(ctx, input, 'identity:delete_application_credential')
  await demandNoMore(ctx, await loadUser(ctx, row.userId))
  refuseDelegation(ctx, 'delete application credentials')
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, row.userId)
    await tx.db.applicationCredential.deleteMany({ where: { id: row.id } })
    await sessionEnded(tx, { userId: row.userId }, 'application credential deleted')
    await told(tx, 'deleted', row.id, { userId: row.userId, name: row.name })
    return toCredentialView(tx, row)
  })
}

const told = (ctx: Ctx, what: 'created' | 'deleted', id: string, data: Record<string, unknown>) =>
  appendEvent(ctx, {
    kind: `applicationCredential.${what}`,
    projectId: null,
    resourceKind: 'applicationCredential',
    resourceId: id,
    data,
  })
