import type { SessionView } from '@stratolith/api/identity/contract'
import { cookies } from 'next/headers'
import { cloudError } from '../../kit/errors.ts'
import { apiClient } from './api.ts'
import { readSession } from './session-cookie.ts'

/**
 * Who looks at this page, asked of the API so that roles are today's; null when the session is over.
 * While the API does not answer, the cookie's word stands: the page then shows what is wrong.
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
