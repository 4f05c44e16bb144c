import { type Ctx, inTransaction } from '../../../kernel/context.ts'
import { lockUser, sessionEnded, voidTokens } from '../../ending.ts'
import { directoryEvent, lockDomain } from '../../reach.ts'
import { type LdapGroup, type LdapUser, publicId } from './entries.ts'

/** Our rows for the users and groups of directories; roles, tokens and locks refer to these rows. */

const shadowColumns = {
  id: true,
  name: true,
  email: true,
  externalId: true,
  disabledByBackend: true,
} as const

const rowsOf = (ctx: Ctx, domainId: string, users: readonly LdapUser[]) =>
  ctx.db.user.findMany({
    where: {
      domainId,
      OR: [
        { externalId: { in: users.map((user) => user.externalId) } },
        { name: { in: users.map((user) => user.name) } },
      ],
    },
    select: shadowColumns,
  })
type Shadow = Awaited<ReturnType<typeof rowsOf>>[number]

const says = (row: Shadow | undefined, user: LdapUser) =>
  row?.name === user.name && row.email === user.email && !row.disabledByBackend

/**
 * Updates the rows of these users: new users get a row, and users whom the directory did not let in before may sign in
 * again. When nothing has changed, which is nearly always, this only reads.
 */
export async function keepUsers(ctx: Ctx, domainId: string, users: readonly LdapUser[]): Promise<void> {
  const before = await rowsOf(ctx, domainId, users)
  const known = new Map(before.map((row) => [row.externalId, row]))
  const changed = users.filter((user) => !says(known.get(user.externalId), user))
  if (changed.length === 0) return
  await inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    const rows = await rowsOf(tx, domainId, changed)
    for (const user of changed) {
      const row = rows.find((r) => r.externalId === user.externalId)
      const holder = rows.find((r) => r.name === user.name && r.externalId !== user.externalId)
      if (holder && !(await setAside(tx, holder))) continue
      if (row) await updateShadow(tx, row, user)
      else rows.push(await createShadow(tx, domainId, user))
    }
  })
}

/**
 * Frees a name that another user of the directory has now. A holder who is gone from the directory gives the name up;
 * any other holder keeps it. Returns whether the name is free.
 */
async function setAside(ctx: Ctx, holder: Shadow): Promise<boolean> {
  if (!holder.disabledByBackend) {
    ctx.log.warn({ userId: holder.id }, 'two users of a directory have one name; the first one keeps it')
    return false
  }
  holder.name = `${holder.name} (${holder.id.slice(0, 8)})`
  await ctx.db.user.update({ where: { id: holder.id }, data: { name: holder.name } })
  await directoryEvent(ctx, 'user', 'updated', holder.id)
  return true
}

async function createShadow(ctx: Ctx, domainId: string, user: LdapUser): Promise<Shadow> {
  const { externalId, name, email } = user
  const row = await ctx.db.user.create({
    // Prisma's default would take the clock of this process, but tokens have the clock of the database.
    data: {
      id: publicId('user', domainId, externalId),
      domainId,
      backend: 'ldap',
      externalId,
      name,
      email,
      tokensValidAfter: new Date(0),
    },
    select: shadowColumns,
  })
  await directoryEvent(ctx, 'user', 'created', row.id, { name })
  return row
}

async function updateShadow(ctx: Ctx, row: Shadow, user: LdapUser): Promise<void> {
  await lockUser(ctx, row.id)
  await ctx.db.user.update({
    where: { id: row.id },
    data: {
      name: user.name,
      email: user.email,
      ...(row.disabledByBackend ? { enabled: true, disabledByBackend: false } : {}),
    },
  })
  if (row.name !== user.name) await voidTokens(ctx, row.id, 'user renamed')
  row.name = user.name
  await directoryEvent(ctx, 'user', 'updated', row.id)
}

/** Disables users who are gone from the directory or whom its filter does not let in; every token ends at once. */
export async function disableShadows(ctx: Ctx, userIds: readonly string[]): Promise<void> {
  for (const id of userIds)
    await inTransaction(ctx, async (tx) => {
      await lockUser(tx, id)
      const { count } = await tx.db.user.updateMany({
        where: { id, enabled: true },
        data: { enabled: false, disabledByBackend: true },
      })
      if (count === 0) return
      await voidTokens(tx, id, 'user gone from the directory')
      await directoryEvent(tx, 'user', 'updated', id)
    })
}

/** Creates the rows of these groups, or updates their names. */
export async function keepGroups(ctx: Ctx, domainId: string, groups: readonly LdapGroup[]): Promise<void> {
  const where = { domainId, externalId: { in: groups.map((group) => group.externalId) } }
  const names = new Map((await ctx.db.group.findMany({ where })).map((row) => [row.externalId, row.name]))
  const changed = groups.filter((group) => names.get(group.externalId) !== group.name)
  if (changed.length === 0) return
  await inTransaction(ctx, async (tx) => {
    await lockDomain(tx, domainId)
    for (const group of changed) await keepGroup(tx, domainId, group)
  })
}

async function keepGroup(ctx: Ctx, domainId: string, group: LdapGroup): Promise<void> {
  const { externalId, name } = group
  const holder = await ctx.db.group.findUnique({ where: { domainId_name: { domainId, name } } })
  if (holder && holder.externalId !== externalId) {
    ctx.log.warn({ groupId: holder.id }, 'a group of a directory has a name that is taken; it is left out')
    return
  }
  if (holder) return
  const id = publicId('group', domainId, externalId)
  const { count } = await ctx.db.group.updateMany({ where: { id }, data: { name } })
  if (count === 0) await ctx.db.group.create({ data: { id, domainId, externalId, name } })
  await directoryEvent(ctx, 'group', count === 0 ? 'created' : 'updated', id, { name })
}

/** Makes the user a member of exactly these groups of the directory. Groups of our own are left as they are. */
export async function keepMemberships(
  ctx: Ctx,
  domainId: string,
  userId: string,
  groups: readonly LdapGroup[],
): Promise<void> {
  await keepGroups(ctx, domainId, groups)
  const theirs = { domainId, externalId: { not: null } }
  const wanted = await ctx.db.group.findMany({
    where: { domainId, externalId: { in: groups.map((group) => group.externalId) } },
    select: { id: true },
  })
  const ids = wanted.map((row) => row.id)
  const held = await ctx.db.groupMember.findMany({ where: { userId, group: theirs } })
  const left = held.filter((row) => !ids.includes(row.groupId)).map((row) => row.groupId)
  const joined = ids.filter((id) => !held.some((row) => row.groupId === id))
  if (left.length + joined.length === 0) return
  await inTransaction(ctx, async (tx) => {
    await lockUser(tx, userId)
    await tx.db.groupMember.deleteMany({ where: { userId, groupId: { in: left } } })
    await tx.db.groupMember.createMany({
      data: joined.map((groupId) => ({ userId, groupId })),
      skipDuplicates: true,
    })
    if (left.length > 0) await sessionEnded(tx, { userId }, 'removed from a group')
    await directoryEvent(tx, 'user', 'updated', userId)
  })
}

/** Empties the groups that the directory does not have any more. Their rows and roles stay. */
export async function emptyGroupsBut(
  ctx: Ctx,
  domainId: string,
  externalIds: readonly string[],
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const { count } = await tx.db.groupMember.deleteMany({
      where: { group: { domainId, externalId: { not: null, notIn: [...externalIds] } } },
    })
    if (count > 0) await sessionEnded(tx, { everyone: true }, 'group gone from the directory')
  })
}
