import { cloudError } from '../kit/errors.ts'
import type { RouterInputs } from '../kit/trpc.ts'

/** Outside of the shell there is no client: one plain call. Null when it worked, else why not. */
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
