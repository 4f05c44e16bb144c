import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { isPossiblePassword, verifyPassword } from '../passwords.ts'

/** How a caller names a user: by id, or by name within a domain. */
export type UserRef = { id: string } | { name: string; domain: { id: string } | { name: string } }

/** The columns of a user that a sign-in needs. */
export type SignInUser = {
  id: string
  domainId: string
  backend: string
  externalId: string | null
  passwordHash: string | null
}

/**
 * A back end: the source of users from another directory (LDAP). Each such user has a row in our table, so that
 * assignments, tokens and locks work alike; only the password is checked by the back end.
 */
export type IdentityBackend = {
  /** The value of User.backend. */
  name: string
  /** Tells whether the users of this domain come from the back end. */
  owns(domainId: string): boolean
  /** Runs before the row of a user is looked up: creates or updates the row when the user is one of the back end's. */
  refresh(ctx: Ctx, who: UserRef): Promise<void>
  /**
   * Tells whether the password is right. Never true for an empty password, which an LDAP server takes for an anonymous
   * bind (A15.1). Throws `unavailable` when the directory does not answer.
   */
  checkPassword(ctx: Ctx, user: SignInUser, password: string): Promise<boolean>
}

const backends = new Map<string, IdentityBackend>()
export function registerBackend(backend: IdentityBackend): void {
  backends.set(backend.name, backend)
}
export const allBackends = (): IdentityBackend[] => [...backends.values()]

/** Throws for a domain whose users come from another directory, because they are created there. */
export function demandLocalDomain(domainId: string): void {
  if (allBackends().some((backend) => backend.owns(domainId)))
    throw new CloudError(
      'forbidden',
      'The users of this domain are kept in another directory. Create them there.',
    )
}

/** Checks a password; an unknown user takes the same work as a wrong password of a known user (A16.1). */
export async function verifyPasswordOf(
  ctx: Ctx,
  user: SignInUser | null,
  password: string,
): Promise<boolean> {
  if (user === null || user.backend === 'sql') return verifyPassword(user?.passwordHash ?? null, password)
  const backend = backends.get(user.backend)
  if (backend !== undefined && isPossiblePassword(password)) return backend.checkPassword(ctx, user, password)
  return verifyPassword(null, password)
}
