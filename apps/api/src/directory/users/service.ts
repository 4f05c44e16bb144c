import type { Prisma } from '@stratolith/db'
import type { z } from 'zod'
import { type Ctx, inTransaction } from '../../kernel/context.ts'
import type { Page } from '../../kernel/contract.ts'
import { alreadyExists, CloudError } from '../../kernel/errors.ts'
import { askOf, pageView } from '../../kernel/page.ts'
import { authorize } from '../../kernel/policy.ts'
import { demandLocalDomain } from '../backends/backend.ts'
import { lockUser, voidTokens } from '../ending.ts'
import { newId } from '../ids.ts'
import { checkNewPassword, passwordColumns } from '../password-rules.ts'
import { directoryEvent, lockDomain, oldest, ownDomain } from '../reach.ts'
import { demandNoMore } from '../roles/granting.ts'
import type { UserInput, UserListInput, UserOptions, UserView, userUpdateInput } from './contract.ts'
import { loadUser } from './load.ts'
import { queryUsers, sortableUsers } from './queries.ts'
import { forgetUsers } from './removal.ts'
import { toUserView, type UserRow, userColumns } from './views.ts'

export async function listUsers(ctx: Ctx, input: UserListInput): Promise<Page<UserView>> {
  const slice = await queryUsers(ctx, { where: input, ...askOf(input, sortableUsers) })
  return pageView(slice, slice.rows.map(toUserView))
}

/** The users for OpenStack's clients; `next` says that there are more. */
export async function findUsers(
  ctx: Ctx,
  input: UserListInput,
): Promise<Pick<Page<UserView>, 'items' | 'next'>> {
  const { rows, next } = await queryUsers(ctx, { where: input, ...oldest(input.limit) })
  return { items: rows.map(toUserView), next }
}

/** The caller, or a user whom the caller administers or reads; others do not exist (R2). */
export async function getUser(ctx: Ctx, input: { id: string }): Promise<UserView> {
  return toUserView(await loadUser(ctx, input.id))
}

/** The same for a caller who is going to change the user. */
export async function getUserToUpdate(ctx: Ctx, input: { id: string }): Promise<UserView> {
  return toUserView(await loadToUpdate(ctx, input.id))
}

async function loadToUpdate(ctx: Ctx, id: string): Promise<UserRow> {
  const row = await loadUser(ctx, id, 'identity:update_user')
  await demandNoMore(ctx, row)
  return row
}

/** Without a password, the user cannot sign in by password. */
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
        // Prisma's default would take the clock of this process, but tokens have the clock of the database.
        tokensValidAfter: new Date(0),
      },
      select: userColumns,
    })
    await directoryEvent(tx, 'user', 'created', row.id, { name })
    return toUserView(row)
  })
}

/**
 * Disabling ends every token at once, and so does a new name, because the user may be known elsewhere by the old one.
 */
export async function updateUser(ctx: Ctx, input: z.output<typeof userUpdateInput>): Promise<UserView> {
  const before = await loadToUpdate(ctx, input.id)
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
        // An administrator has disabled the user, so no directory may enable them again.
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
    throw keptElsewhere('Delete the user there first; then you can delete them here, too.')
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

/** Name and address of a user of another directory come from there; the rest is changed here. */
function demandOurs(row: UserRow, change: z.output<typeof userUpdateInput>): void {
  if (row.backend === 'sql') return
  const renamed = change.name !== undefined && change.name !== row.name
  if (renamed || (change.email !== undefined && (change.email || null) !== row.email))
    throw keptElsewhere('Change the name and e-mail address there.')
  if (change.enabled === true && row.disabledByBackend)
    throw keptElsewhere(
      'The user is disabled or deleted there. Enable the user there to let them sign in again.',
    )
}
const keptElsewhere = (advice: string) =>
  new CloudError('forbidden', `This user is kept in another directory. ${advice}`)

async function demandFreeName(ctx: Ctx, domainId: string, name: string): Promise<void> {
  const where = { domainId_name: { domainId, name } }
  const found = await ctx.db.user.findUnique({ where, select: { id: true } })
  if (found) throw alreadyExists('user', name)
}

/** Null removes an option. */
const withoutNulls = (options: UserOptions): Prisma.InputJsonObject =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null && value !== undefined))
