import { type Ctx, projectOf } from '../kernel/context.ts'
import { CloudError, invalidInput, notFound } from '../kernel/errors.ts'

/** What may be handed on: never more than the one who hands on holds now (A13). */

export type RoleRef = { id: string } | { name: string }

/**
 * Ids of the roles that are named, all of which must be among those that the caller holds there; all of these
 * when none is named. Throws not_found for a role that does not exist, forbidden for one
 * that he does not hold.
 */
export async function rolesToHandOn(
  ctx: Ctx,
  roles: ReadonlySet<string>,
  wanted: readonly RoleRef[] | undefined,
): Promise<string[]> {
  const held = await ctx.db.role.findMany({
    where: { domainId: null, name: { in: [...roles] } },
    select: { id: true, name: true },
  })
  if (wanted === undefined) return held.map((role) => role.id)
  const ids = new Set<string>()
  for (const ref of wanted) ids.add(await heldRole(ctx, held, ref))
  return [...ids]
}

async function heldRole(ctx: Ctx, held: { id: string; name: string }[], ref: RoleRef): Promise<string> {
  const found = held.find((role) => ('id' in ref ? role.id === ref.id : role.name === ref.name))
  if (found) return found.id
  const where = 'id' in ref ? { id: ref.id } : { name: ref.name, domainId: null }
  const named = 'id' in ref ? ref.id : ref.name
  if (!(await ctx.db.role.findFirst({ where, select: { id: true } }))) throw notFound('role', named)
  throw new CloudError(
    'forbidden',
    `You do not have the role ${named} in this project, so you cannot give it.`,
  )
}

/** A moment to come, within what a date can be; null when there is none. */
export function futureMoment(text: string | null | undefined, field: string): Date | null {
  if (text === null || text === undefined) return null
  const at = new Date(text)
  if (Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9998)
    throw invalidInput('This is no date that can be kept. Choose another one.', field)
  if (at.getTime() <= Date.now()) throw invalidInput('This moment is over. Choose one to come.', field)
  return at
}

/**
 * The application credential that the caller acts by, which what he makes is bound to: it dies with
 * it and never lives longer. One with access rules makes nothing, for that would be free of them.
 */
export async function boundBy(
  ctx: Ctx,
  expiresAt: Date | null,
): Promise<{ id: string | null; expiresAt: Date | null }> {
  const { delegation } = ctx.actor
  if (delegation?.kind !== 'application_credential') return { id: null, expiresAt }
  if (delegation.accessRules !== null)
    throw new CloudError(
      'forbidden',
      'An application credential with access rules makes no others. Sign in by password for that.',
    )
  const own = await ctx.db.applicationCredential.findUniqueOrThrow({ where: { id: delegation.id } })
  if (own.expiresAt === null) return { id: own.id, expiresAt }
  if (expiresAt !== null && expiresAt > own.expiresAt)
    throw new CloudError(
      'forbidden',
      'It would outlive the application credential that makes it. Choose an earlier end.',
    )
  return { id: own.id, expiresAt: expiresAt ?? own.expiresAt }
}

/**
 * Does what the caller has in other projects than his token's count as his? By a sign-in of his own alone: a
 * delegation holds in one project, and so does an EC2 credential.
 */
export const reachesElsewhere = ({ actor }: Ctx): boolean => actor.delegation === null

/** The project of the token; what is handed on holds there and nowhere else. */
export const handedOnIn = (ctx: Ctx): string => projectOf(ctx)

/** Throws when somebody has as many of something as anybody may. */
export function demandRoom(count: number, most: number, what: string): void {
  if (count >= most)
    throw new CloudError('forbidden', `You have ${most} ${what} already. Delete one that is not needed.`)
}
