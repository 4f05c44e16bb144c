import { createHash } from 'node:crypto'
import { type Ctx, type Deps, inTransaction, systemCtx } from '../../../kernel/context.ts'
import { directoryEvent } from '../../reach.ts'
import { readLdapSettings } from './config.ts'
import { Directory } from './connection.ts'
import { disableShadows } from './shadows.ts'

/** The directories by the ids of their domains; filled once at start. */
const directories = new Map<string, Directory>()
export const directoryOf = (domainId: string): Directory | undefined => directories.get(domainId)
export const allDirectories = (): [domainId: string, Directory][] => [...directories]

/**
 * Reads ldap.yaml, creates the domains that the file names, and disables users whose directory is not in the file any
 * more. Throws a sentence for a mistake in the file. Returns whether there is any directory.
 */
export async function openDirectories(deps: Deps): Promise<boolean> {
  const ctx = systemCtx(deps, 'ldap-start')
  const settings = readLdapSettings(deps.config.dataDir)
  directories.clear()
  for (const one of settings) directories.set(await ensureDomain(ctx, one.domainName), new Directory(one))
  const orphans = await ctx.db.user.findMany({
    where: { backend: 'ldap', enabled: true, domainId: { notIn: [...directories.keys()] } },
    select: { id: true },
  })
  await disableShadows(
    ctx,
    orphans.map((row) => row.id),
  )
  return directories.size > 0
}

/**
 * Finds or creates the domain. Its id is made from the name in the file, so that the domain may be renamed in the
 * portal.
 */
async function ensureDomain(ctx: Ctx, name: string): Promise<string> {
  const made = createHash('sha256').update(`ldap domain\n${name}`).digest('hex').slice(0, 32)
  const found =
    (await ctx.db.domain.findUnique({ where: { id: made } })) ??
    (await ctx.db.domain.findUnique({ where: { name } }))
  const id = found?.id ?? made
  if (!found)
    await inTransaction(ctx, async (tx) => {
      const data = { id, name, description: 'Its users are in an LDAP directory.' }
      // The api and the worker start at the same time, and one of them creates the domain.
      const { count } = await tx.db.domain.createMany({ data, skipDuplicates: true })
      if (count > 0) await directoryEvent(tx, 'domain', 'created', id, { name })
    })
  const local = await ctx.db.user.count({ where: { domainId: id, backend: 'sql' } })
  if (local > 0)
    throw new Error(
      `ldap.yaml: the domain ${name} has ${local} users of its own. Give the directory another domain.`,
    )
  return id
}
