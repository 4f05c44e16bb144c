'use client'
import { createContext, useContext } from 'react'

/** What the browser may know of the session; the token is not in it. */
export type Session = {
  userName: string
  project: { id: string; name: string } | null
  roles: string[]
  isAdmin: boolean
}
export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('useSession is for pages inside of the portal’s shell.')
  return session
}
