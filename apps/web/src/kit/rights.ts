'use client'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { reachOf } from './place.ts'
import { useSession } from './session.ts'

/**
 * Answers what the role allows, before the state of the thing is looked at: `may()` for things of the session's own
 * project, `may(own)` for things that may belong to another one. The server decides; this function only explains.
 */
export function useMay(): (own?: boolean) => Allowed {
  const { roles, isAdmin } = useSession()
  return (own = true) => {
    if (isAdmin) return true
    if (!own) return 'It belongs to another project. Only that project or an administrator may change it.'
    return (
      roles.includes('member') ||
      'Your role in this project may only look. Ask an administrator for the member role.'
    )
  }
}

/**
 * Answers whether users, groups, projects and grants of a domain may be changed: `manage(domainId)`; null asks for any
 * domain.
 */
export function useManage(): (domainId: string | null) => Allowed {
  const session = useSession()
  const { manages } = reachOf(session)
  return (domainId) =>
    manages(domainId) ||
    (session.domain !== null && session.roles.includes('admin')
      ? 'It belongs to another domain than the one that you administer.'
      : 'Your role may only look. An administrator of the domain or of the cloud may change it.')
}

/** Answers whether the cloud itself may be changed: hosts, flavors, roles, quotas, domains. */
export function useAdminOnly(): () => Allowed {
  const { isAdmin } = useSession()
  return () => isAdmin || 'Only an administrator of the cloud may do this.'
}

/** Returns the first sentence that forbids an action, or true. */
export const all = (...answers: Allowed[]): Allowed => answers.find((answer) => answer !== true) ?? true

/**
 * What a form needs before it can succeed: the role of a member, the rights of an administrator of the cloud, a thing of
 * the person's own project (`own`, or the project of the thing), or the rights over a domain, where null means any.
 */
export type Right =
  | 'nothing'
  | 'member'
  | 'admin'
  | { own: boolean }
  | { projectId: string | null }
  | { domainId: string | null }

/** Answers whether the person has the right now; else says why not, in the words of the buttons. */
export function useRight(right: Right): Allowed {
  const may = useMay()
  const manage = useManage()
  const admin = useAdminOnly()
  const { project } = useSession()
  if (right === 'nothing') return true
  if (right === 'member') return may()
  if (right === 'admin') return admin()
  if ('own' in right) return may(right.own)
  return 'projectId' in right ? may(project?.id === right.projectId) : manage(right.domainId)
}
