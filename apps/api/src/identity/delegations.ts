import type { Prisma } from '@stratolith/db'
import type { FastifyRequest } from 'fastify'
import type { AccessRule, Ctx, Db, Delegation } from '../kernel/context.ts'
import type { RequestFacts } from '../openstack/mount.ts'
import type { TokenFacts } from './token-facts.ts'
import type { NewToken, Origin } from './tokens.ts'

/** The columns of a token that was made through a delegation. */
export type DelegatedToken = {
  userId: string
  projectId: string | null
  domainId: string | null
  system: boolean
  /** The time as PostgreSQL writes it, to the microsecond. */
  issuedAtText: string
  applicationCredentialId: string | null
  trustId: string | null
  accessTokenId: string | null
}

/**
 * The rights that a delegation gives: the roles of `held`, which the delegating user has now, that are also in `roles`.
 */
export type Given = {
  held: string[]
  roles: string[]
  delegation: Exclude<Delegation, { kind: 'ec2' }>
}

/** A user who has proved who they are by `methods`, with the hash of the password or with a token. */
export type Proven = Pick<NewToken, 'methods' | 'passwordHash' | 'parent' | 'origin'> & { userId: string }

export type Issued = { text: string; facts: TokenFacts }

/**
 * A way to sign in that combines with no other method, has its own scope, and stands below its name in auth.identity.
 */
export type AuthMethod = {
  name: string
  /** `given` is the unchecked value below the method's name. Throws unauthenticated for every wrong proof. */
  issue(ctx: Ctx, given: unknown, request: FastifyRequest, origin: Origin): Promise<Issued>
}

/**
 * Everything that this room must know of delegations (trusts, application credentials, EC2, OAuth). The room
 * delegation, which uses this room, registers it when the process starts.
 */
export type Delegations = {
  /** Null when the delegation of the token has ended. Takes one query. */
  given(db: Db, token: DelegatedToken): Promise<Given | null>
  /** Selects the ids of the trusts through which the user may hold tokens in the name of another user. */
  trustsHeldBy(userId: string): Prisma.Sql
  /** The delegation in Keystone's view of the token. */
  view(ctx: Ctx, facts: TokenFacts): Promise<object>
  /** Throws forbidden for a request that none of the access rules allows. */
  demandAccess(rules: readonly AccessRule[], request: RequestFacts): void
  methods: readonly AuthMethod[]
  /** Issues a token by a trust; `inside` runs in the transaction that writes the token. */
  issueByTrust(
    ctx: Ctx,
    trustee: Proven,
    trustId: string,
    inside?: (tx: Ctx) => Promise<void>,
  ): Promise<Issued>
}

let known: Delegations | undefined
export function useDelegations(delegations: Delegations): void {
  known = delegations
}
/** Throws when the room delegation has not been registered. */
export function delegations(): Delegations {
  if (!known) throw new Error('the room delegation has not said what delegations are')
  return known
}
