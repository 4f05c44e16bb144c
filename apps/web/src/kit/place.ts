import type { SessionView } from '@stratolith/api/identity/contract'
import { cloudPlace, type Standing } from './paths.ts'
import type { Session } from './session.ts'

/**
 * Makes the session as a page of this place knows it. On a page of the cloud there is no project, though the rights may
 * come from one. `beyond`: the person may open the pages of the cloud.
 */
export const toSession = (view: SessionView, { at, beyond, home }: Standing): Session => ({
  at,
  beyond,
  home: at === cloudPlace ? home : at,
  place: placeKey(view),
  userId: view.user.id,
  userName: view.user.name,
  userDomain: { id: view.user.domainId, name: view.user.domainName },
  project: at === cloudPlace ? null : view.project,
  domain: view.domain,
  system: view.system,
  roles: view.roles,
  isAdmin: view.admin,
  expiresAt: view.expiresAt,
  passwordExpiresAt: view.passwordExpiresAt,
})

type Place = Pick<Session, 'project' | 'domain' | 'system'>

/**
 * The scope of a session as one word. Pages send it with every request, so that a request never acts in another scope.
 */
export const placeKey = ({ project, domain, system }: Place): string =>
  project?.id ?? (domain ? `domain:${domain.id}` : system ? 'system' : '')

/** The page that sends a request: its place and its user. */
export type Sender = Pick<Session, 'place' | 'userId'>

/**
 * The headers of each request of a page. They say for which place the page was made and for whom, because another
 * person may have signed in since then, in another tab (identity/server/places.ts).
 */
export const pageHeaders = ({ place, userId }: Sender) => ({
  'x-stratolith-place': place,
  'x-stratolith-user': userId,
})

/** Returns the scope that such a word means; null for a word that means none. */
export function placeOf(key: string): { projectId: string } | { domainId: string } | { system: true } | null {
  if (key === 'system') return { system: true }
  const domainId = key.startsWith('domain:') ? key.slice('domain:'.length) : null
  if (domainId !== null) return domainId === '' ? null : { domainId }
  return key === '' ? null : { projectId: key }
}

/** How far a session reaches that the API has described. */
export const reachOfView = ({ domain, system, roles, admin }: SessionView) =>
  reachOf({ domain, system, roles, isAdmin: admin })

/** Answers whether a session reaches beyond its project, so that pages of the cloud or of a domain are open to it. */
export const reachesBeyond = (view: SessionView): boolean => reachOfView(view).directory

/** Returns the scope in words: “demo”, “Domain Default”, “Whole cloud”. */
export const placeName = ({ project, domain, system, isAdmin }: Place & Pick<Session, 'isAdmin'>): string =>
  project?.name ?? (domain ? `Domain ${domain.name}` : system || isAdmin ? 'Whole cloud' : 'No project')

/**
 * Says how a thing of this project is read in this session. `allProjects`: lists are asked across projects, because the
 * thing is of another project. `hidden`: facts that only its own project (or somebody who sees the whole cloud) may
 * know are not shown.
 */
export function lookAt(
  session: Pick<Session, 'project' | 'domain' | 'system' | 'roles' | 'isAdmin'>,
  projectId: string | null,
): { allProjects: boolean; hidden: boolean } {
  const elsewhere = session.project?.id !== projectId
  const { cloud } = reachOf(session)
  return { allProjects: elsewhere && cloud, hidden: elsewhere && !cloud }
}

/**
 * How far a session reaches beyond its project. `cloud`: it may read the whole cloud. `directory`: it may read domains,
 * projects and users, of the cloud or of its domain. Changes need `isAdmin` for the cloud and `manages` for a domain's
 * directory.
 */
export function reachOf(session: Pick<Session, 'domain' | 'system' | 'roles' | 'isAdmin'>) {
  const { domain, system, roles, isAdmin } = session
  const cloud = isAdmin || (system && roles.includes('reader'))
  return {
    cloud,
    directory: cloud || (domain !== null && roles.includes('reader')),
    /** May the session change this domain's users, groups, projects and grants? null asks for any domain at all. */
    manages: (domainId: string | null): boolean =>
      isAdmin ||
      (domain !== null && roles.includes('admin') && (domainId === null || domain.id === domainId)),
  }
}
