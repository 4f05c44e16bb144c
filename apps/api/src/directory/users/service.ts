import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError } from '../../kernel/errors.ts'
import { byName, pageOf, type Sortable } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { demandLocalDomain } from '../backends/backend.ts'
import { lockUser, voidTokens } from '../ending.ts'
import { newId } from '../ids.ts'
import { checkNewPassword, passwordColumns } from '../password-rules.ts'
import { directoryEvent, domainFilter, lockDomain, nameClauses, ownDomain, seen } from '../reach.ts'
import { demandNoMore } from '../roles/granting.ts'
import type { UserInput, UserListInput, UserOptions, UserView, userUpdateInput } from './contract.ts'
import { forgetUsers } from './removal.ts'
import { toUserView, type UserRow, userColumns } from './views.ts'

const comparisons = { lt: 'lt', lte: 'lte', gt: 'gt', gte: 'gte', eq: 'equals' } as const
/** "Not at" as before or after: two ranges of the index. */
function expiring({ operator, at }: NonNullable<UserListInput['passwordExpires']>): Prisma.UserWhereInput {
  const moment = new Date(at)
  return operator === 'neq'
    ? { OR: [{ passwordExpiresAt: { lt: moment } }, { passwordExpiresAt: { gt: moment } }] }
    : { passwordExpiresAt: { [comparisons[operator]]: moment } }
}

export async function listUsers(ctx: Ctx, input: UserListInput): Promise<Page<UserView>> {
  const expires = input.passwordExpires
  const where: Prisma.UserWhereInput = {
    AND: [
      domainFilter(ctx, 'identity:list_users', input.domainId),
      ...nameClauses(input, ['email', 'description']),
      input.enabled === undefined ? {} : { enabled: input.enabled },
      input.groupId === undefined ? {} : { memberships: { some: { groupId: input.groupId } } },
      expires ? expiring(expires) : {},
    ],
  }
  // The columns by name, so that no digest of a password leaves the database.
  const table = selecting(ctx)
  const page = await pageOf<UserRow>(table, input, where, { sortable: sortableUsers })
  return { ...page, items: page.items.map(toUserView) }
}

/** By what the portal sorts users. */
const sortableUsers: Sortable = {
  ...byName,
  state: [{ field: 'enabled' }],
  domain: [{ field: 'domain.name' }, { field: 'name' }],
  lastActiveAt: [{ field: 'lastActiveAt', nullable: true }],
}

const selecting = (ctx: Ctx) => ({
  // A sort by the domain includes it; these columns have it anyway.
  findMany: ({ include: _included, ...args }: Omit<Prisma.UserFindManyArgs, 'select' | 'omit'>) =>
    ctx.db.user.findMany({ ...args, select: userColumns }),
  findFirst: (args: Prisma.UserFindFirstArgs) => ctx.db.user.findFirst(args),
  count: (args: Prisma.UserCountArgs) => ctx.db.user.count(args),
})

/** Oneself, or one of those whom the caller administers or reads; others are not there (R2). */
export async function getUser(ctx: Ctx, input: { id: string }): Promise<UserView> {
  return toUserView(await loadUser(ctx, input.id))
}

export async function loadUser(ctx: Ctx, id: string, action?: string): Promise<UserRow> {
  const row = await ctx.db.user.findUnique({ where: { id }, select: userColumns })
  const target = (user: UserRow) => ({ userId: user.id, domainId: user.domainId })
  return seen(ctx, { kind: 'user', id, row, target, read: 'identity:get_user' }, action)
}

/** Without a password nobody can sign in as it. */
export async function createUser(ctx: Ctx, input: UserInput): Promise<UserView> {
  const domainId = input.domainId ?? ownDomain(ctx)
  authorize(ctx, 'identity:create_user', { domainId })
  demandLocalDomain(domainId)
  const { name, password, email, description = '', enabled = true, options = {}, extra = {} } = input
  if (password !== undefined) checkNewPassword(ctx, password)
  const exempt = options.ignore_change_password_upon_first_use === true
  const columns =
    password === undefined ? {} : await passwordColumns(ctx, password, { byAdmin: true, exempt })
  return inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    await demandFreeName(tx, domainId, name)
    const row = await tx.db.user.create({
      data: {
        id: newId(),
        domainId,
        name,
        email: email ?? null,
        description,
        enabled,
        defaultProjectId: input.defaultProjectId ?? null,
        options: withoutNulls(options),
        extra,
        ...columns,
        // Not the default, which Prisma takes from this process' clock: tokens have the database's.
        tokensValidAfter: new Date(0),
      },
      select: userColumns,
    })
    await directoryEvent(tx, 'user', 'created', row.id, { name })
    return toUserView(row)
  })
}

/** Disabling voids every token at once; so does another name, by which he may be known elsewhere. */
export async function updateUser(ctx: Ctx, input: z.output<typeof userUpdateInput>): Promise<UserView> {
  const before = await loadUser(ctx, input.id, 'identity:update_user')
  await demandNoMore(ctx, before)
  demandOurs(before, input)
  const { id, options, ...changes } = input
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, id)
    const renamed = changes.name !== undefined && changes.name !== before.name
    if (renamed) {
      await lockDomain(tx, before.domainId)
      await demandFreeName(tx, before.domainId, changes.name ?? '')
    }
    const merged = { ...(before.options as UserOptions), ...options }
    const row = await tx.db.user.update({
      where: { id },
      data: {
        ...changes,
        // Disabled by hand now: no directory enables it again.
        ...(changes.enabled === false ? { disabledByBackend: false } : {}),
        ...(options ? { options: withoutNulls(merged) } : {}),
      },
      select: userColumns,
    })
    if (changes.enabled === false) await voidTokens(tx, id, 'user disabled')
    else if (renamed) await voidTokens(tx, id, 'user renamed')
    await directoryEvent(tx, 'user', 'updated', id)
    return toUserView(row)
  })
}

export async function deleteUser(ctx: Ctx, input: { id: string }): Promise<UserView> {
  const user = await loadUser(ctx, input.id, 'identity:delete_user')
  await demandNoMore(ctx, user)
  if (user.backend !== 'sql' && !user.disabledByBackend)
    throw keptElsewhere('Delete it there; once it is gone, it can be deleted here too.')
  if (user.id === ctx.actor.userId)
    throw new CloudError('conflict', 'You cannot delete yourself. Ask another administrator.')
  return inTransaction(ctx, async (tx) => {
    await lockUser(tx, user.id)
    await voidTokens(tx, user.id, 'user deleted')
    await forgetUsers(tx, [user.id])
    await directoryEvent(tx, 'user', 'deleted', user.id)
    return toUserView(user)
  })
}

/** Name and address of a user of another directory come from there; the rest is ours to change. */
function demandOurs(row: UserRow, change: z.output<typeof userUpdateInput>): void {
  if (row.backend === 'sql') return
  const renamed = change.name !== undefined && change.name !== row.name
  if (renamed || (change.email !== undefined && (change.email || null) !== row.email))
    throw keptElsewhere('Change its name and e-mail address there.')
  if (change.enabled === true && row.disabledByBackend)
    throw keptElsewhere('It is disabled or gone there. Enable it there, then it can sign in again.')
}
const keptElsewhere = (advice: string) =>
  new CloudError('forbidden', `This user is kept in another directory. ${advice}`)

async function demandFreeName(ctx: Ctx, domainId: string, name: string): Promise<void> {
  const where = { domainId_name: { domainId, name } }
  const found = await ctx.db.user.findUnique({ where, select: { id: true } })
  if (found) throw alreadyExists('user', name)
}

/** Null takes an option away. */
const withoutNulls = (options: UserOptions): Prisma.InputJsonObject =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null && value !== undefined))
