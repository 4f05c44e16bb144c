/** The holder of a role (a user or a group) and the place where the role holds. */
export type RoleHolder = { userId: string } | { groupId: string }
export type RoleTarget = { projectId: string } | { domainId: string } | { system: true }

/** The columns of RoleAssignment that name the place. */
export const targetColumns = (target: RoleTarget) => ({
  projectId: 'projectId' in target ? target.projectId : null,
  domainId: 'domainId' in target ? target.domainId : null,
  system: 'system' in target,
})

/** The text that makes an assignment unique (the migration identity_whole writes the same text). */
export function assignmentKey(
  holder: RoleHolder,
  target: RoleTarget,
  roleId: string,
  inherited = false,
): string {
  const who = 'userId' in holder ? `user:${holder.userId}` : `group:${holder.groupId}`
  const where =
    'projectId' in target
      ? `project:${target.projectId}`
      : 'domainId' in target
        ? `domain:${target.domainId}`
        : 'system'
  return `${who} ${where} role:${roleId}${inherited ? ' inherited' : ''}`
}
