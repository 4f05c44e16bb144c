import type { Prisma } from '@stratolith/db'
import type { FastifyRequest } from 'fastify'
import type { AccessRule, Ctx, Db, Delegation } from '../kernel/context.ts'
import type { RequestFacts } from '../openstack/mount.ts'
import type { TokenFacts } from './token-facts.ts'
import type { NewToken, Origin } from './tokens.ts'

/** A token that was made through a delegation, as its row says it. */
export type DelegatedToken = {
  userId: string
  projectId: string | null
  domainId: string | null
  system: boolean
  /** As PostgreSQL writes it, to the microsecond. */
  issuedAtText: string
  applicationCredentialId: string | null
  trustId: string | null
  accessTokenId: string | null
}

/** What a delegation gives: of `held`, which the one who delegates has now, those that are among `roles`. */
export type Given = {
  held: string[]
  roles: string[]
  delegation: Exclude<Delegation, { kind: 'ec2' }>
}

/** Somebody who has proved who they are by `methods`, with the hash of their password or with a token of theirs. */
export type Proven = Pick<NewToken, 'methods' | 'passwordHash' | 'parent' | 'origin'> & { userId: string }

export type Issued = { text: string; facts: TokenFacts }

/** A way to sign in that stands alone and has a scope of its own, below its name in auth.identity. */
export type AuthMethod = {
  name: string
  /** `given`: what stands below its name, as it came. Throws unauthenticated for every wrong proof. */
  issue(ctx: Ctx, given: unknown, request: FastifyRequest, origin: Origin): Promise<Issued>
}

/**
 * What this room must know of delegations (trusts, application credentials, EC2, OAuth), which stand on it: the
 * room delegation says it when the process starts.
 */
export type Delegations = {
  /** Null when the delegation of the token is over. One query. */
  given(db: Db, token: DelegatedToken): Promise<Given | null>
  /** Selects the ids of the trusts by which the user may hold tokens in somebody else's name. */
  trustsHeldBy(userId: string): Prisma.Sql
  /** What Keystone's view of the token says of it. */
  view(ctx: Ctx, facts: TokenFacts): Promise<object>
  /** Throws forbidden for a request that none of the access rules allows. */
  demandAccess(rules: readonly AccessRule[], request: RequestFacts): void
  methods: readonly AuthMethod[]
  /** A token by trust; `inside` runs in the transaction that writes it. */
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
