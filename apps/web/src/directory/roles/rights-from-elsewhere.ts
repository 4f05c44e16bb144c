import type { AssignmentView } from '@stratolith/api/directory/roles/contract'

/** Roles that a user has at a place without having been given them there. */
export type InheritedRight = { id: string; assignment: AssignmentView; roles: string[] }

/** `direct`: as given at one place; `effective`: what users really have there. */
export function rightsFromElsewhere(
  direct: readonly AssignmentView[],
  effective: readonly AssignmentView[],
): InheritedRight[] {
  const given = new Set(
    direct.filter(({ inherited }) => !inherited).map(({ user, role }) => `${user?.id} ${role.id}`),
  )
  const rest = effective.filter(({ user, role }) => user && !given.has(`${user.id} ${role.id}`))
  const byUser = Map.groupBy(rest, ({ user }) => user?.id ?? '')
  return [...byUser].flatMap(([id, assignments]) => {
    const [assignment] = assignments
    return assignment ? [{ id, assignment, roles: assignments.map(({ role }) => role.name).toSorted() }] : []
  })
}
