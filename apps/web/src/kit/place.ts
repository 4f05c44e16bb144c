import type { SessionView } from '@stratolith/api/identity/contract'
import { cloudPlace, type Standing } from './paths.ts'
import type { Session } from './session.ts'

/**
 * What a page of this place knows. On a page of the cloud there is no project, though the rights may come from one;
 * `beyond`: the person may go to the pages of the cloud.
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

/** Where a session holds, as one word: pages carry it so that they never act elsewhere. */
export const placeKey = ({ project, domain, system }: Place): string =>
  project?.id ?? (domain ? `domain:${domain.id}` : system ? 'system' : '')

/** The place that was asked for by such a word; null: none that there could be. */
export function placeOf(key: string): { projectId: string } | { domainId: string } | { system: true } | null {
  if (key === 'system') return { system: true }
  const domainId = key.startsWith('domain:') ? key.slice('domain:'.length) : null
  if (domainId !== null) return domainId === '' ? null : { domainId }
  return key === '' ? null : { projectId: key }
}

/** Whether a session is for more than its project: pages of the cloud or of a domain are open to it. */
export const reachesBeyond = (view: SessionView): boolean =>
  reachOf({ domain: view.domain, system: view.system, roles: view.roles, isAdmin: view.admin }).directory

/** For people: “demo”, “domain Default”, “Whole cloud”. */
export const placeName = ({ project, domain, system, isAdmin }: Place & Pick<Session, 'isAdmin'>): string =>
  project?.name ?? (domain ? `Domain ${domain.name}` : system || isAdmin ? 'Whole cloud' : 'No project')

/**
 * How a thing of this project is looked at from here. `allProjects`: lists are asked across projects, because it is
 * of another one; `hidden`: what only its own project (or somebody who sees the whole cloud) may know stays untold.
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
 * How far a session reaches beyond its project. `cloud`: may look at all of it; `directory`: may
 * look at domains, projects and users, of the cloud or of its domain. What it may change is `isAdmin`
 * for the cloud and `manages` for a domain's directory.
 */
export function reachOf(session: Pick<Session, 'domain' | 'system' | 'roles' | 'isAdmin'>) {
  const { domain, system, roles, isAdmin } = session
  const cloud = isAdmin || (system && roles.includes('reader'))
  return {
    cloud,
    directory: cloud || (domain !== null && roles.includes('reader')),
    /** May this domain's users, groups, projects and grants be changed? null: any domain at all. */
    manages: (domainId: string | null): boolean =>
      isAdmin ||
      (domain !== null && roles.includes('admin') && (domainId === null || domain.id === domainId)),
  }
}
