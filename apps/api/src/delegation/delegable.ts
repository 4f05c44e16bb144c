import { type RoleRef, roleExists, rolesNamed } from '../directory/service.ts'
import { type Ctx, projectOf } from '../kernel/context.ts'
import { CloudError, invalidInput, notFound } from '../kernel/errors.ts'

/** Checks what a caller may hand on, which is never more than the caller holds now (A13). */

/**
 * Returns the ids of the roles that `wanted` names, all of which must be among `roles`, which the caller holds; without
 * `wanted`, the ids of all of `roles`. Throws not_found for a role that does not exist, and forbidden for a role that
 * the caller does not hold.
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

/**
 * Reads a time in the future that a Date can hold; null when there is no time. Throws invalid_input for other texts.
 */
export function futureMoment(text: string | null | undefined, field: string): Date | null {
  if (text === null || text === undefined) return null
  const at = new Date(text)
  if (Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9998)
    throw invalidInput('This date cannot be stored. Choose another one.', field)
  if (at.getTime() <= Date.now())
    throw invalidInput('This time has passed. Choose a time in the future.', field)
  return at
}

/** The project of the token. Roles that are handed on hold there and nowhere else. */
export const handedOnIn = (ctx: Ctx): string => projectOf(ctx)
