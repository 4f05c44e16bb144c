import type { AssignmentView } from '@stratolith/api/directory/roles/contract'

/** Roles that a user has at a place without an assignment there. */
export type InheritedRight = { id: string; assignment: AssignmentView; roles: string[] }

/** The first page of a list of assignments. */
type First = { items: readonly AssignmentView[]; next: string | null }

/**
 * `here` are the assignments made at the place; `really` are the roles that users have there in effect. Returns 'many'
 * when one of the lists has another page: then the difference of the two first pages says nothing.
 */
export function rightsFromElsewhere(here: First, really: First): InheritedRight[] | 'many' {
  if (here.next !== null || really.next !== null) return 'many'
  const [direct, effective] = [here.items, really.items]
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
