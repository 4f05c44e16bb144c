import type { Ctx, Deps } from '../kernel/context.ts'

/** A request that its owner may make and that must succeed. */
export type Example = {
  params?: Record<string, string>
  query?: Record<string, string>
  /** The JSON body; for an action only the action's value. */
  body?: unknown
  /** The body of an operation that takes a stream. */
  bytes?: Buffer
  headers?: Record<string, string>
}

/** A project in a domain of its own, with a member, a network with egress, and no limits. */
export type Tenant = {
  deps: Deps
  /** The member's ctx. */
  ctx: Ctx
  /** The ctx of a cloud administrator in the same project, for preparations that only administrators can make. */
  admin: Ctx
  domainId: string
  projectId: string
  userId: string
  networkId: string
  /** An image that every project may launch. */
  imageId: string
  externalNetworkId: string
  /** The member's token, for examples about tokens. */
  token: string
  /** Runs all operations to their end, as the worker would. */
  settle: () => Promise<void>
  /** Runs operations in the background for 10 s, for a request that waits for them. */
  settleBeside: () => void
  /** Makes a host that does not answer any more; returns its id. */
  goneHost: () => Promise<string>
}

/**
 * Makes requests of an operation for the matrix and the fuzz: `make` makes the things that the request needs in
 * `tenant` (a new thing when the operation destroys or changes it). `foreign` makes requests of the tenant whose bodies
 * and filters name things of `other`: they must not be served.
 */
export type ExampleMaker = {
  make: (tenant: Tenant) => Example | Promise<Example>
  foreign?: (tenant: Tenant, other: Tenant) => Example[] | Promise<Example[]>
}
/** The examples by the name of their operation. */
export type Examples = Record<string, ExampleMaker>
