import type { AuthOptions, User } from 'next-auth'
import CredentialsProvider from 'next-auth/providers/credentials'
import { cloudError } from '../../kit/errors.ts'
import { paths } from '../../kit/paths.ts'
import { signInAnswer, wrongSignIn } from '../sign-in-answer.ts'
import { apiClient } from './api.ts'
import { sourceOf } from './front-door.ts'
import { keepSession } from './places.ts'
import {
  cookieName,
  cookieOptions,
  maxAgeSeconds,
  type PortalSession,
  sessionSecret,
} from './session-cookie.ts'

// The portal is opened under any name that leads to the front door, which alone sets x-forwarded-host. A fixed
// address would break all other names.
delete process.env.NEXTAUTH_URL
process.env.AUTH_TRUST_HOST = 'true'

type SignedIn = User & { portal: PortalSession }

/** Options of next-auth for one request; whether cookies require TLS depends on how the request came in. */
export function authOptions(headers: Headers): AuthOptions {
  const options = cookieOptions(headers)
  return {
    secret: sessionSecret(),
    session: { strategy: 'jwt', maxAge: maxAgeSeconds },
    jwt: { maxAge: maxAgeSeconds },
    pages: { signIn: paths.signIn, error: paths.signIn },
    useSecureCookies: options.secure,
    cookies: {
      sessionToken: { name: cookieName('session'), options },
      csrfToken: { name: cookieName('csrf'), options },
      callbackUrl: { name: cookieName('callback'), options },
    },
    providers: [
      CredentialsProvider({
        name: 'Password',
        credentials: {
          user: { type: 'text' },
          password: { type: 'password' },
          domain: { type: 'text' },
          code: { type: 'text' },
        },
        authorize: (input) => signIn(input, sourceOf(headers)),
      }),
    ],
    callbacks: {
      // `token` is the content of the sealed cookie, which keeps nothing else of next-auth's.
      jwt: ({ token, user }) => (user ? { ...(user as SignedIn).portal } : token),
      // /api/auth/session tells the browser only when the session ends.
      session: ({ session }) => ({ expires: session.expires }),
    },
    events: {
      signOut: async ({ token }) => {
        const text = (token as Partial<PortalSession> | undefined)?.token
        if (!text) return
        await apiClient({ token: text })
          .identity.signOut.mutate()
          .catch((error: unknown) => {
            if (cloudError(error).code !== 'unauthenticated') throw error
          })
      },
    },
  }
}

async function signIn(
  input: Record<string, string> | undefined,
  source: string | undefined,
): Promise<SignedIn | null> {
  const { user = '', password = '', domain, code } = input ?? {}
  try {
    const { anchor, ...first } = await apiClient({ source }).identity.signIn.mutate({
      user,
      password,
      domain: domain || undefined,
      code: code || undefined,
    })
    const portal = { token: anchor, session: first.session }
    keepSession(portal, first)
    return { id: first.session.user.id, portal }
  } catch (error) {
    // next-auth passes this text to the form unchanged, and sign-in-answer.ts reads it.
    const { code: kind, field, message } = cloudError(error)
    throw new Error(signInAnswer(field, kind === 'unauthenticated' && field === null ? wrongSignIn : message))
  }
}
