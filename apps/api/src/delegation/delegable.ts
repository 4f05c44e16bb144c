import { type RoleRef, roleExists, rolesNamed } from '../directory/service.ts'
import { type Ctx, projectOf } from '../kernel/context.ts'
import { CloudError, invalidInput, notFound } from '../kernel/errors.ts'

/** What may be handed on: never more than the one who hands on holds now (A13). */

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
  const held = await rolesNamed(ctx, roles)
  if (wanted === undefined) return held.map((role) => role.id)
  const ids = new Set<string>()
  for (const ref of wanted) ids.add(await heldRole(ctx, held, ref))
  return [...ids]
}

async function heldRole(ctx: Ctx, held: { id: string; name: string }[], ref: RoleRef): Promise<string> {
  const found = held.find((role) => ('id' in ref ? role.id === ref.id : role.name === ref.name))
  if (found) return found.id
  const named = 'id' in ref ? ref.id : ref.name
  if (!(await roleExists(ctx, ref))) throw notFound('role', named)
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

/** The project of the token; what is handed on holds there and nowhere else. */
export const handedOnIn = (ctx: Ctx): string => projectOf(ctx)
