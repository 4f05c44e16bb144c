/** The options of `openstack role add` and `openstack role remove` for a grant. */
export const grantWords = (grant: {
  userId?: string
  groupId?: string
  projectId?: string
  domainId?: string
  system?: true
  inherited: boolean
}): string[] => [
  ...(grant.userId ? ['--user', grant.userId] : []),
  ...(grant.groupId ? ['--group', grant.groupId] : []),
  ...(grant.projectId ? ['--project', grant.projectId] : []),
  ...(grant.domainId ? ['--domain', grant.domainId] : []),
  ...(grant.system ? ['--system', 'all'] : []),
  ...(grant.inherited ? ['--inherited'] : []),
]
