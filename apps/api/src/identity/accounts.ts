import { randomUUID } from 'node:crypto'
import { type Ctx, inTransaction } from '../kernel/context.ts'
import { alreadyExists, notFound } from '../kernel/errors.ts'
import { appendEvent } from '../kernel/events.ts'
import { authorize } from '../kernel/policy.ts'
import { assignmentKey, type RoleTarget, targetColumns } from './assignment-key.ts'
import { hashPassword } from './passwords.ts'
import { deleteTokens, newId } from './tokens.ts'

export type ProjectRow = { id: string; domainId: string; name: string; description: string; enabled: boolean }
export type UserRow = { id: string; domainId: string; name: string; enabled: boolean }

type ProjectHook = (ctx: Ctx, project: ProjectRow) => Promise<void>
const projectHooks: ProjectHook[] = []
/**
 * Later rooms add here what each new project starts with (networking: its default security group).
 * Hooks run in order, inside the transaction that makes the project.
 */
export function onProjectCreated(hook: ProjectHook): void {
  projectHooks.push(hook)
}

/** Tells open consoles and event streams to ask again whether they may go on. In the transaction. */
export async function sessionEnded(
  ctx: Ctx,
  who: { userId: string } | { projectId: string } | { domainId: string },
  reason: string,
): Promise<void> {
  const [resourceKind, resourceId] =
    'userId' in who
      ? ['user', who.userId]
      : 'projectId' in who
        ? ['project', who.projectId]
        : ['domain', who.domainId]
  await appendEvent(ctx, {
    kind: 'session.ended',
    projectId: 'projectId' in who ? who.projectId : null,
    resourceKind,
    resourceId,
    data: { reason },
  })
}

/** A project with its quota defaults and whatever the later rooms give it. */
export async function createProject(
  ctx: Ctx,
  input: { name: string; domainId?: string; description?: string; enabled?: boolean },
): Promise<ProjectRow> {
  authorize(ctx, 'identity:create_project')
  const domainId = input.domainId ?? 'default'
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    if (await tx.db.project.findUnique({ where: { domainId_name: { domainId, name: input.name } } }))
      throw alreadyExists('project', input.name)
    const project = await tx.db.project.create({
      data: {
        id: newId(),
        domainId,
        name: input.name,
        description: input.description ?? '',
        enabled: input.enabled ?? true,
      },
    })
    await appendEvent(tx, {
      kind: 'project.created',
      projectId: project.id,
      resourceKind: 'project',
      resourceId: project.id,
      data: { name: project.name },
    })
    for (const hook of projectHooks) await hook(tx, project)
    return project
  })
}

/** A user; without a password nobody can sign in as it. */
export async function createUser(
  ctx: Ctx,
  input: {
    name: string
    password?: string
    domainId?: string
    defaultProjectId?: string
    email?: string
    description?: string
    enabled?: boolean
  },
): Promise<UserRow> {
  authorize(ctx, 'identity:create_user')
  const domainId = input.domainId ?? 'default'
  const passwordHash = input.password === undefined ? null : await hashPassword(input.password)
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    if (await tx.db.user.findUnique({ where: { domainId_name: { domainId, name: input.name } } }))
      throw alreadyExists('user', input.name)
    const user = await tx.db.user.create({
      data: {
        id: newId(),
        domainId,
        name: input.name,
        email: input.email ?? null,
        description: input.description ?? '',
        enabled: input.enabled ?? true,
        passwordHash,
        defaultProjectId: input.defaultProjectId ?? null,
        // Not the default, which Prisma takes from this process' clock: tokens have the database's.
        tokensValidAfter: new Date(0),
      },
    })
    await userEvent(tx, 'created', user.id)
    return user
  })
}

/** Two callers who make the same name in one domain go one after the other. */
async function lockDomain(ctx: Ctx, domainId: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<
    unknown[]
  >`SELECT 1 FROM "Domain" WHERE "id" = ${domainId} FOR NO KEY UPDATE`
  if (rows.length === 0) throw notFound('domain', domainId)
}

const userEvent = (ctx: Ctx, what: 'created' | 'updated' | 'deleted', userId: string) =>
  appendEvent(ctx, { kind: `user.${what}`, projectId: null, resourceKind: 'user', resourceId: userId })

/** Locks the user's row (see issueToken) or throws not_found. */
async function lockUser(ctx: Ctx, userId: string): Promise<void> {
  const rows = await ctx.db.$queryRaw<unknown[]>`SELECT 1 FROM "User" WHERE "id" = ${userId} FOR UPDATE`
  if (rows.length === 0) throw notFound('user', userId)
}

/** Every token of the user is void at once; open consoles and streams are told. */
async function voidTokens(ctx: Ctx, userId: string, reason: string): Promise<void> {
  await deleteTokens(ctx, userId, 'all')
  await ctx.db.$executeRaw`UPDATE "User" SET "tokensValidAfter" = clock_timestamp() WHERE "id" = ${userId}`
  await sessionEnded(ctx, { userId }, reason)
}

export async function setPassword(ctx: Ctx, input: { userId: string; password: string }): Promise<void> {
  authorize(ctx, 'identity:set_password', { userId: input.userId })
  const passwordHash = await hashPassword(input.password)
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, input.userId)
    await tx.db.user.update({
      where: { id: input.userId },
      data: { passwordHash, failedSignIns: 0, lockedUntil: null },
    })
    await voidTokens(tx, input.userId, 'password changed')
    await userEvent(tx, 'updated', input.userId)
  })
}

export async function setUserEnabled(ctx: Ctx, input: { userId: string; enabled: boolean }): Promise<void> {
  authorize(ctx, 'identity:update_user', { userId: input.userId })
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, input.userId)
    await tx.db.user.update({ where: { id: input.userId }, data: { enabled: input.enabled } })
    if (!input.enabled) await voidTokens(tx, input.userId, 'user disabled')
    await userEvent(tx, 'updated', input.userId)
  })
}

export async function deleteUser(ctx: Ctx, input: { userId: string }): Promise<void> {
  authorize(ctx, 'identity:delete_user', { userId: input.userId })
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, input.userId)
    await tx.db.user.delete({ where: { id: input.userId } })
    await sessionEnded(tx, { userId: input.userId }, 'user deleted')
    await userEvent(tx, 'deleted', input.userId)
  })
}

/** Disabling voids every token of the project while it lasts (checked at each use of a token). */
export async function setProjectEnabled(
  ctx: Ctx,
  input: { projectId: string; enabled: boolean },
): Promise<void> {
  authorize(ctx, 'identity:update_project', { projectId: input.projectId })
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.project.updateMany({
      where: { id: input.projectId },
      data: { enabled: input.enabled },
    })
    if (count === 0) throw notFound('project', input.projectId)
    if (!input.enabled) {
      await tx.db.token.deleteMany({ where: { projectId: input.projectId } })
      await sessionEnded(tx, { projectId: input.projectId }, 'project disabled')
    }
    await appendEvent(tx, {
      kind: 'project.updated',
      projectId: input.projectId,
      resourceKind: 'project',
      resourceId: input.projectId,
    })
  })
}

export async function setDomainEnabled(
  ctx: Ctx,
  input: { domainId: string; enabled: boolean },
): Promise<void> {
  authorize(ctx, 'identity:update_domain')
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.domain.updateMany({
      where: { id: input.domainId },
      data: { enabled: input.enabled },
    })
    if (count === 0) throw notFound('domain', input.domainId)
    if (!input.enabled) await sessionEnded(tx, { domainId: input.domainId }, 'domain disabled')
  })
}

/** Gives the role; already there is fine. `role` is the role's name. */
export async function assignRole(
  ctx: Ctx,
  input: { userId: string; role: string; target: RoleTarget },
): Promise<void> {
  authorize(ctx, 'identity:assign_role')
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, input.userId)
    const role = await tx.db.role.findUnique({
      where: { domainKey_name: { domainKey: '', name: input.role } },
    })
    if (!role) throw notFound('role', input.role)
    const { projectId, domainId } = targetColumns(input.target)
    if (projectId !== null && !(await tx.db.project.findUnique({ where: { id: projectId } })))
      throw notFound('project', projectId)
    if (domainId !== null && !(await tx.db.domain.findUnique({ where: { id: domainId } })))
      throw notFound('domain', domainId)
    const key = assignmentKey({ userId: input.userId }, input.target, role.id)
    if (await tx.db.roleAssignment.findUnique({ where: { key } })) return
    await tx.db.roleAssignment.create({
      data: {
        id: randomUUID(),
        key,
        userId: input.userId,
        roleId: role.id,
        ...targetColumns(input.target),
      },
    })
    await userEvent(tx, 'updated', input.userId)
  })
}

/** Takes the role away; not there is fine. Rights shrink with the next request. */
export async function removeRole(
  ctx: Ctx,
  input: { userId: string; role: string; target: RoleTarget },
): Promise<void> {
  authorize(ctx, 'identity:assign_role')
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, input.userId)
    const { count } = await tx.db.roleAssignment.deleteMany({
      where: { userId: input.userId, role: { name: input.role }, ...targetColumns(input.target) },
    })
    if (count === 0) return
    await sessionEnded(tx, { userId: input.userId }, 'role removed')
    await userEvent(tx, 'updated', input.userId)
  })
}
