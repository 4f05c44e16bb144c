import { notify } from '../kit/notify.ts'
import { expectEnd, leave } from '../kit/session-end.ts'

/** Signs out. The API token has ended before this returns. */
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
