import { cloudError } from '../kit/errors.ts'
import type { RouterInputs } from '../kit/trpc.ts'

/**
 * A plain call, because there is no tRPC client outside of the shell. Null when the change succeeded, else the reason
 * for the refusal.
 */
export async function changePassword(
  input: RouterInputs['identity']['changePassword'],
): Promise<string | null> {
  try {
    const answer = await fetch('/api/trpc/identity.changePassword', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    if (answer.ok) return null
    const { error } = await answer.json()
    const { code, message } = cloudError(error)
    return code === 'unauthenticated' ? 'The old password is wrong.' : message
  } catch {
    return 'The portal does not answer. Check your connection and try again.'
  }
}
