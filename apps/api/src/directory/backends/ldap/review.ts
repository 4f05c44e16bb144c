import type { Ctx } from '../../../kernel/context.ts'
import { toCloudError } from '../../../kernel/errors.ts'
import type { Reconciler } from '../../../kernel/reconciler.ts'
import type { Connection, Directory } from './connection.ts'
import { allDirectories } from './domains.ts'
import { allGroups, allUsers, groupsOf, usersById } from './entries.ts'
import { disableShadows, emptyGroupsBut, keepGroups, keepMemberships, keepUsers } from './shadows.ts'

type Shadow = { id: string; externalId: string | null }

const batch = 50
/** The time limit of one batch, which has one search per user for the user's groups. */
const batchMs = 20_000
/** The time limit of reading a whole directory. */
const importMs = 10 * 60_000
const everyMs = 15_000

/** Updates users that have a row to the directory: their name, their groups, or that they are gone. */
export async function reviewShadows(
  ctx: Ctx,
  directory: Directory,
  connection: Connection,
  domainId: string,
  shadows: readonly Shadow[],
): Promise<void> {
  const ids = shadows.map((row) => row.externalId).filter((id) => id !== null)
  const users = await usersById(directory, connection, ids)
  const there = new Map(users.map((user) => [user.externalId, user]))
  const gone = shadows.filter((row) => !there.has(row.externalId ?? ''))
  await disableShadows(
    ctx,
    gone.map((row) => row.id),
  )
  await keepUsers(ctx, domainId, users)
  if (!directory.settings.groups) return
  for (const shadow of shadows) {
    const user = there.get(shadow.externalId ?? '')
    if (user) await keepMemberships(ctx, domainId, shadow.id, await groupsOf(directory, connection, user.dn))
  }
}

/** Matches users who could act without signing in: by a token, a credential or a trust. */
const mayAct = () => ({
  OR: [
    { tokens: { some: { expiresAt: { gt: new Date() } } } },
    { applicationCredentials: { some: {} } },
    { credentials: { some: {} } },
    { trustsGiven: { some: { deletedAt: null } } },
    { trustsHeld: { some: { deletedAt: null } } },
    { accessTokens: { some: {} } },
  ],
})

/**
 * Asks the directory for all users of the domain who may act. Users whom the directory does not let in any more are
 * disabled.
 */
export async function reviewDomain(ctx: Ctx, domainId: string, directory: Directory): Promise<void> {
  let after = ''
  for (;;) {
    const rows = await ctx.db.user.findMany({
      where: { domainId, backend: 'ldap', enabled: true, id: { gt: after }, ...mayAct() },
      select: { id: true, externalId: true },
      orderBy: { id: 'asc' },
      take: batch,
    })
    const last = rows.at(-1)
    if (!last) return
    after = last.id
    await directory.use((connection) => reviewShadows(ctx, directory, connection, domainId, rows), batchMs)
  }
}

/**
 * Imports users and groups, so that they can be found and given roles before they first sign in. At most `limit` of
 * each are imported; the others come when they sign in.
 */
export async function importDomain(ctx: Ctx, domainId: string, directory: Directory): Promise<void> {
  await directory.use(async (connection) => {
    const users = await importAll(allUsers(directory, connection), directory, (page) =>
      keepUsers(ctx, domainId, page),
    )
    const groups = await importAll(allGroups(directory, connection), directory, (page) =>
      keepGroups(ctx, domainId, page),
    )
    if (!users.complete || !groups.complete)
      ctx.log.warn({ domainId, limit: directory.settings.limit }, 'a directory has more than its limit')
    if (users.complete) await reviewUnseen(ctx, domainId, directory, connection, users.seen)
    if (groups.complete) await emptyGroupsBut(ctx, domainId, [...groups.seen])
  }, importMs)
}

async function importAll<T extends { externalId: string }>(
  pages: AsyncGenerator<T[]>,
  { settings: { limit } }: Directory,
  keep: (page: T[]) => Promise<void>,
): Promise<{ seen: Set<string>; complete: boolean }> {
  const seen = new Set<string>()
  for await (const page of pages) {
    const taken = page.slice(0, limit - seen.size)
    await keep(taken)
    for (const item of taken) seen.add(item.externalId)
    if (taken.length < page.length) return { seen, complete: false }
  }
  return { seen, complete: true }
}

/** Asks for unseen users by id once more, because a user who was added after their page had been read is not gone. */
async function reviewUnseen(
  ctx: Ctx,
  domainId: string,
  directory: Directory,
  connection: Connection,
  seen: ReadonlySet<string>,
): Promise<void> {
  const rows = await ctx.db.user.findMany({
    where: { domainId, backend: 'ldap', enabled: true },
    select: { id: true, externalId: true },
  })
  const unseen = rows.filter((row) => !seen.has(row.externalId ?? ''))
  for (let at = 0; at < unseen.length; at += batch)
    await reviewShadows(ctx, directory, connection, domainId, unseen.slice(at, at + batch))
}

/** Works on all directories at the same time, so that a directory that does not answer does not delay the others. */
async function forEachDirectory(
  ctx: Ctx,
  work: (domainId: string, directory: Directory) => Promise<void>,
): Promise<void> {
  const known = new Set(
    (await ctx.db.domain.findMany({ where: { deleting: false }, select: { id: true } })).map((row) => row.id),
  )
  const there = allDirectories().filter(([domainId]) => known.has(domainId))
  await Promise.all(
    there.map(async ([domainId, directory]) => {
      try {
        await work(domainId, directory)
      } catch (error) {
        const { message, detail } = toCloudError(error)
        ctx.log.warn({ domainId, detail }, `a directory could not be read: ${message}`)
      }
    }),
  )
}

const importedAt = new Map<string, number>()
export const directoryReconcilers: Reconciler[] = [
  {
    // A reconciler's name is its lock, which the version before takes, too.
    name: 'identity.ldap-review',
    everyMs,
    run: (ctx) => forEachDirectory(ctx, (domainId, directory) => reviewDomain(ctx, domainId, directory)),
  },
  {
    name: 'identity.ldap-import',
    everyMs,
    run: (ctx) =>
      forEachDirectory(ctx, async (domainId, directory) => {
        const due = (importedAt.get(domainId) ?? 0) + directory.settings.everySeconds * 1000
        if (Date.now() < due) return
        await importDomain(ctx, domainId, directory)
        importedAt.set(domainId, Date.now())
      }),
  },
]
