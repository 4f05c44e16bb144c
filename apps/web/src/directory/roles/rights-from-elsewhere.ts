import type { AssignmentView } from '@stratolith/api/directory/roles/contract'

/** Roles that a user has at a place without an assignment there. */
export type InheritedRight = { id: string; assignment: AssignmentView; roles: string[] }

/** `direct` are the assignments made at the place; `effective` are the roles that users really have there. */
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
