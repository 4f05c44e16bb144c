'use client'
import { createContext, useContext } from 'react'
import type { Standing } from './paths.ts'
import { lookAt } from './place.ts'

/** What the browser may know of the session; the token is not in it. */
export type Session = Standing & {
  /** What requests of this page say, so that they hold in its place and nowhere else (kit/place.ts). */
  place: string
  userId: string
  userName: string
  /** The user's own domain. */
  userDomain: { id: string; name: string }
  /** Null on pages of the cloud. */
  project: { id: string; name: string } | null
  /** The session is for a domain: its administrator's view. */
  domain: { id: string; name: string } | null
  /** The session is for the cloud as a whole. */
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

/** Whether something is of another project than the session: lists of the session's project do not have it. */
export const useElsewhere = (projectId: string): boolean => useSession().project?.id !== projectId

/** Every tab of a page reads by the project of the thing that it shows, not by that of the session. */
export const useLook = (projectId: string | null) => lookAt(useSession(), projectId)
