import { randomBytes } from 'node:crypto'
import type { Ctx, Deps } from '../../../kernel/context.ts'
import { verifyPassword } from '../../passwords.ts'
import { registerBackend, type UserRef } from '../backend.ts'
import type { Connection, Directory } from './connection.ts'
import { directoryOf, openDirectories } from './domains.ts'
import { groupsOf, userByName, usersById } from './entries.ts'
import { reviewShadows } from './review.ts'
import { keepMemberships, keepUsers } from './shadows.ts'

/**
 * LDAP as a read-only back end. A directory that does not answer stops only sign-ins to its own domain. Every process
 * that signs users in or reconciles must call this at its start.
 */
export async function startLdap(deps: Deps): Promise<void> {
  if (!(await openDirectories(deps))) return
  registerBackend({
    name: 'ldap',
    owns: (domainId) => directoryOf(domainId) !== undefined,
    refresh: (ctx, who) => ('id' in who ? refreshById(ctx, who.id) : refreshByName(ctx, who)),
    async checkPassword(ctx, { domainId, externalId }, password) {
      const directory = directoryOf(domainId)
      const correct =
        directory !== undefined &&
        externalId !== null &&
        (await directory.use((connection) => bindAs(directory, connection, externalId, password)))
      // This runs after the bind, and always, so that an unknown user takes as long as a known user (A16.1).
      await verifyPassword(null, password)
      ctx.log.debug({ domainId, correct }, 'a directory has checked a password')
      return correct
    },
  })
}

async function refreshById(ctx: Ctx, id: string): Promise<void> {
  const select = { id: true, externalId: true, domainId: true, backend: true }
  const row = await ctx.db.user.findUnique({ where: { id }, select })
  const directory = row?.backend === 'ldap' ? directoryOf(row.domainId) : undefined
  if (row && directory)
    await directory.use((connection) => reviewShadows(ctx, directory, connection, row.domainId, [row]))
}

async function refreshByName(ctx: Ctx, who: Extract<UserRef, { name: string }>): Promise<void> {
  const domain = await ctx.db.domain.findFirst({
    where: { ...who.domain, deleting: false },
    select: { id: true },
  })
  const directory = domain ? directoryOf(domain.id) : undefined
  if (!domain || !directory) return
  const domainId = domain.id
  const known = await directory.use(async (connection) => {
    const user = await userByName(directory, connection, who.name)
    const row = await ctx.db.user.findUnique({
      where: { domainId_name: { domainId, name: who.name } },
      select: { id: true, externalId: true },
    })
    // The row belongs to another user, who had the name or has lost it, so that row is updated first.
    if (row && row.externalId !== user?.externalId)
      await reviewShadows(ctx, directory, connection, domainId, [row])
    if (user) {
      await keepUsers(ctx, domainId, [user])
      const select = { id: true }
      const where = { domainId_externalId: { domainId, externalId: user.externalId } }
      const shadow = await ctx.db.user.findUnique({ where, select })
      if (shadow)
        await keepMemberships(ctx, domainId, shadow.id, await groupsOf(directory, connection, user.dn))
    } else await groupsOf(directory, connection, nobody(directory))
    return user !== null || row !== null
  })
  // checkPassword does not run for an unknown user, so its work is done here.
  if (!known) await directory.use((connection) => bindAs(directory, connection, '', ''))
}

/**
 * Binds as the user with the password. An unknown user is searched and bound, too, so that the directory is asked as
 * often (A16.1).
 */
async function bindAs(
  directory: Directory,
  connection: Connection,
  externalId: string,
  password: string,
): Promise<boolean> {
  const [user] = await usersById(directory, connection, [externalId])
  if (user) return connection.isPassword(user.dn, password)
  await connection.isPassword(nobody(directory), randomBytes(16).toString('hex'))
  return false
}

const nobody = ({ settings: { users } }: Directory) =>
  `${users.name}=${randomBytes(8).toString('hex')},${users.base}`
