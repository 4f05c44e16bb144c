import { notify } from '../kit/notify.ts'
import { expectEnd, leave } from '../kit/session-end.ts'

/** Ends the session everywhere it was taken: the API token dies before this returns. */
export async function signOut(): Promise<void> {
  expectEnd('signed-out')
  try {
    const auth = await import('next-auth/react')
    await auth.signOut({ redirect: false })
    leave('signed-out')
  } catch (error) {
    expectEnd(null)
    notify.failed(error)
  }
}
