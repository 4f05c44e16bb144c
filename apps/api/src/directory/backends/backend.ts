import type { Ctx } from '../../kernel/context.ts'
import { CloudError } from '../../kernel/errors.ts'
import { isPossiblePassword, verifyPassword } from '../passwords.ts'

/** How a caller names a user: by id, or by name within a domain. */
export type UserRef = { id: string } | { name: string; domain: { id: string } | { name: string } }

/** A user's row as far as a sign-in needs it. */
export type SignInUser = {
  id: string
  domainId: string
  backend: string
  externalId: string | null
  passwordHash: string | null
}

/**
 * Where users of other directories (LDAP) come from. Each has a row of ours, so that assignments,
 * tokens and locks work alike; only the password is checked elsewhere.
 */
export type IdentityBackend = {
  /** As in User.backend. */
  name: string
  /** Does it say who the users of this domain are? */
  owns(domainId: string): boolean
  /** Before the row is looked up: makes it or brings it up to date when the user is one of its own. */
  refresh(ctx: Ctx, who: UserRef): Promise<void>
  /**
   * Is it the password? Never true for an empty one (an LDAP server takes that for an anonymous
   * bind, A15.1). Throws `unavailable` when the directory does not answer.
   */
  checkPassword(ctx: Ctx, user: SignInUser, password: string): Promise<boolean>
}

const backends = new Map<string, IdentityBackend>()
export function registerBackend(backend: IdentityBackend): void {
  backends.set(backend.name, backend)
}
export const allBackends = (): IdentityBackend[] => [...backends.values()]

/** Throws for a domain whose users are in another directory: they are made there. */
export function demandLocalDomain(domainId: string): void {
  if (allBackends().some((backend) => backend.owns(domainId)))
    throw new CloudError(
      'forbidden',
      'The users of this domain are kept in another directory. Create them there.',
    )
}

/** The same work for a user that is not there as for a wrong password of one that is (A16.1). */
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
