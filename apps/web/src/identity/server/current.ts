import type { SessionView } from '@stratolith/api/identity/contract'
import { cookies } from 'next/headers'
import { cloudError } from '../../kit/errors.ts'
import { apiClient } from './api.ts'
import { readSession } from './session-cookie.ts'

/**
 * The session of the page's reader, asked of the API so that roles are current; null when the session has ended. When
 * the API does not answer, the session in the cookie counts, so that the page can show the error.
 */
export async function currentSession(): Promise<SessionView | null> {
  const known = await readSession(await cookies())
  if (!known) return null
  try {
    return await apiClient({ token: known.token }).identity.session.query()
  } catch (error) {
    return cloudError(error).code === 'unauthenticated' ? null : known.session
  }
}
