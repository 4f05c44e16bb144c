'use client'
import type { Allowed } from '@stratolith/api/kernel/contract'
import { useSession } from './session.ts'

/**
 * What the role says before the state has its say: `may()` for things of one's own project,
 * `may(own)` for things that may belong to somebody else. The server decides; this only explains.
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

/** The first sentence that forbids, or true. */
export const all = (...answers: Allowed[]): Allowed => answers.find((answer) => answer !== true) ?? true
