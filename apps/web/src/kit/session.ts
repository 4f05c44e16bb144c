'use client'
import { createContext, useContext } from 'react'
import type { Standing } from './paths.ts'
import { lookAt } from './place.ts'

/** What the browser may know of the session; the token is not part of it. */
export type Session = Standing & {
  /** The scope that requests of this page name, so that they act there and nowhere else (kit/place.ts). */
  place: string
  userId: string
  userName: string
  /** The user's own domain. */
  userDomain: { id: string; name: string }
  /** Null on pages of the cloud. */
  project: { id: string; name: string } | null
  /** Set when the session is for a domain: the view of the domain's administrator. */
  domain: { id: string; name: string } | null
  /** True when the session is for the cloud as a whole. */
  system: boolean
  roles: string[]
  isAdmin: boolean
  expiresAt: string
  passwordExpiresAt: string | null
}
export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('useSession is for pages inside of the portal’s shell.')
  return session
}

/**
 * Answers whether a thing is of another project than the session's: lists of the session's project do not contain it.
 */
export const useElsewhere = (projectId: string): boolean => useSession().project?.id !== projectId

/** Every tab of a page reads by the project of the shown thing, and not by that of the session. */
export const useLook = (projectId: string | null) => lookAt(useSession(), projectId)
