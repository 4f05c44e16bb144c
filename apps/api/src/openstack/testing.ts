import type { Ctx, Deps } from '../kernel/context.ts'

/** A request that its owner may make and that succeeds. */
export type Example = {
  params?: Record<string, string>
  query?: Record<string, string>
  /** JSON; of an action its value alone. */
  body?: unknown
  /** For operations that take a stream. */
  bytes?: Buffer
  headers?: Record<string, string>
}

/** A project in a domain of its own with a member, a network with a way out, and no limits. */
export type Tenant = {
  deps: Deps
  /** The member's own context. */
  ctx: Ctx
  /** A cloud administrator's, in the same project: for what only such a one can prepare. */
  admin: Ctx
  domainId: string
  projectId: string
  userId: string
  networkId: string
  /** An image that every project may launch. */
  imageId: string
  externalNetworkId: string
  /** The token of the member: what an example about tokens is about. */
  token: string
  /** Runs every operation that is under way, as the worker would. */
  settle: () => Promise<void>
  /** The same beside a request that waits for it, for 10 s. */
  settleBeside: () => void
  /** A machine that does not answer any more; its id. */
  goneHost: () => Promise<string>
}

/**
 * How the matrix and the fuzz come to a request of an operation: `make` builds what it needs of
 * `tenant` (a fresh thing where the operation destroys or changes it). `foreign` are bodies and
 * filters of the tenant's own request that name things of `other`: they must not be served.
 */
export type ExampleMaker = {
  make: (tenant: Tenant) => Example | Promise<Example>
  foreign?: (tenant: Tenant, other: Tenant) => Example[] | Promise<Example[]>
}
/** By the name of the operation. */
export type Examples = Record<string, ExampleMaker>
